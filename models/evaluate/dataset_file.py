"""What a data set's folders alone do not tell: its layout, classes and physical parts by name, its masks."""

import re
from pathlib import Path
from typing import Any, Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from wire.errors import ConfigurationError

SHIPPED: Final = Path(__file__).parent / "datasets"
LAYOUTS: Final = ("auto", "mvtec", "visa", "meta", "plain")


class DatasetFile(BaseModel):
    """Options of a data set; the YAML file holds any of them.

    classes, group: regular expressions searched in an image's path below the data set's folder; the first group of
    ``classes`` is the kind of defect, the groups of ``group`` together name the physical part. ``group_distance``: the
    last group of ``group`` is a number, and numbers that differ by at most this much may show the same part.
    near_duplicates: leave out tests that look like a reference again (``near_duplicates.py``).
    mask_above: mask values above it are defect, None = the rule of ``masks.py``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    root: Path | None = None
    layout: Literal["auto", "mvtec", "visa", "meta", "plain"] = "auto"
    classes: str | None = None
    group: str | None = None
    group_distance: int | None = Field(default=None, ge=0)
    near_duplicates: bool | None = None
    mask_above: int | None = Field(default=None, ge=0, lt=65535)

    @field_validator("classes", "group")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            try:
                groups = re.compile(pattern).groups
            except re.error as error:
                raise ValueError(f"no regular expression: {error}") from error
            if groups == 0:
                raise ValueError("the pattern has no (group)")
        return pattern


def read_dataset_file(path: Path) -> DatasetFile:
    """Read a YAML file; ``root`` is taken from the file's folder. ConfigurationError lists all that is wrong."""
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise ConfigurationError([f"{path}: {error.strerror}"]) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError([f"{path}: {error}"]) from error
    found = checked(content, str(path))
    return found if found.root is None else found.model_copy(update={"root": path.parent / found.root})


def checked(content: Any, source: str) -> DatasetFile:
    """Options from a mapping; ConfigurationError names ``source``, key and value."""
    try:
        return DatasetFile.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(
            [f"{source}: {'.'.join(map(str, e['loc']))}: {e['msg']}, got {e['input']!r}" for e in error.errors()]
        ) from error


def shipped_names() -> list[str]:
    """Data sets whose options ship inside."""
    return sorted(file.stem for file in SHIPPED.glob("*.yaml"))


def named_layout(name: str) -> DatasetFile:
    """Options by the name of a layout (``mvtec``) or of a data set known here (``magnetic_tile``)."""
    if name in LAYOUTS:
        return checked({"layout": name}, "--layout")
    if name in shipped_names():
        return read_dataset_file(SHIPPED / f"{name}.yaml")
    known = ", ".join((*LAYOUTS, *shipped_names()))
    raise ConfigurationError([f"--layout: {name!r} is none of {known}"])
