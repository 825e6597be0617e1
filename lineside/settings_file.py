"""Settings into a YAML file, for the processes of a site."""

from pathlib import Path

import yaml
from pydantic import BaseModel


def save(path: Path, settings: BaseModel | dict[str, object]) -> None:
    """Write settings as YAML, whole or not at all."""
    content = settings.model_dump(mode="json") if isinstance(settings, BaseModel) else settings
    draft = path.with_name(f".{path.name}~")
    draft.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
    draft.replace(path)
