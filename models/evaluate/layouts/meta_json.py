"""``meta.json``: {"train" | "test": {object: [{img_path, mask_path, specie_name, anomaly}]}}, relative paths."""

import json
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError

from models.evaluate.sample import GOOD, ObjectSet, Sample
from wire.errors import ConfigurationError

FILE_NAME: Final = "meta.json"


class _Entry(BaseModel):
    """One image; keys that other programs add are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    img_path: str
    mask_path: str | None = ""
    specie_name: str = ""
    anomaly: int = Field(ge=0, le=1)


class _Meta(RootModel[dict[str, dict[str, list[_Entry]]]]):
    """Split → object → entries."""


def read_meta(root: Path) -> list[ObjectSet]:
    """Every object that has tests. Good training images are references; without any, the good test images are."""
    path = root / FILE_NAME
    try:
        splits = _Meta.model_validate(json.loads(path.read_text(encoding="utf-8"))).root
    except OSError as error:
        raise ConfigurationError([f"{path}: {error.strerror}"]) from error
    except json.JSONDecodeError as error:
        raise ConfigurationError([f"{path}: {error}"]) from error
    except ValidationError as error:
        problems = [f"{path}: {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise ConfigurationError(problems) from error
    objects = []
    for name, entries in sorted(splits.get("test", {}).items()):
        tests = tuple(_sample(root, entry) for entry in entries)
        trained = tuple(_sample(root, entry) for entry in splits.get("train", {}).get(name, ()) if not entry.anomaly)
        references = trained or tuple(sample for sample in tests if not sample.defect)
        objects.append(ObjectSet(name=name, references=references, tests=tests))
    return objects


def _sample(root: Path, entry: _Entry) -> Sample:
    kind = (entry.specie_name or "defect") if entry.anomaly else GOOD
    return Sample(
        image=root / entry.img_path,
        name=entry.img_path,
        # A defect whose species is called like good parts is a defect all the same.
        kind="defect" if entry.anomaly and kind == GOOD else kind,
        mask=root / entry.mask_path if entry.anomaly and entry.mask_path else None,
    )
