"""A folder of images: which files are streamed, which of them are known to be good, what the others are called."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wire.errors import ConfigurationError
from wire.image_codec import CONTENT_TYPES

# Folders that hold truth about images, never images of parts.
ANNOTATIONS: Final = frozenset({"masks", "mask", "ground_truth", "labels", "label", "annotations", "boxes"})
# Folders whose images show good parts (MVTec AD: train/good and test/good; others: normal/).
GOOD: Final = frozenset({"good", "normal", "normals", "ok"})
# Folders that say nothing about what is wrong.
_NEUTRAL: Final = frozenset({"images", "image", "test", "train", "defect", "defects", "anomaly", "anomalous", "bad"})


@dataclass(frozen=True, kw_only=True)
class FolderImage:
    """One image file; ``defect`` is None in a folder without any known good images."""

    path: Path
    defect: bool | None
    defect_type: str = ""


@dataclass(frozen=True, kw_only=True)
class ImageFolder:
    """``good_first``: the images of ``train/good`` or ``normal``, to be learned from; ``others``: all the rest."""

    directory: Path
    good_first: tuple[FolderImage, ...]
    others: tuple[FolderImage, ...]

    @classmethod
    def scan(cls, directory: Path) -> "ImageFolder":
        """Look at every file below ``directory``. ConfigurationError if it is no folder or has no image."""
        if not directory.is_dir():
            raise ConfigurationError([f"--source: {directory} is not a folder"])
        files = [path for path in sorted(directory.rglob("*")) if _is_image(path.relative_to(directory), path)]
        if not files:
            kinds = ", ".join(sorted(CONTENT_TYPES))
            raise ConfigurationError([
                f"--source: {directory} has no images ({kinds}; {', '.join(sorted(ANNOTATIONS))} are not looked into)"
            ])  # fmt: skip
        train = [path for path in files if _is_good(path, directory) and "train" in _folders(path, directory)]
        first = set(train or [path for path in files if _is_good(path, directory)])
        labelled = bool(first)
        good_first = tuple(FolderImage(path=path, defect=False) for path in files if path in first)
        others = tuple(_labelled(path, directory, labelled=labelled) for path in files if path not in first)
        return cls(directory=directory, good_first=good_first, others=others)


def _is_image(relative: Path, path: Path) -> bool:
    hidden = any(part.startswith(".") for part in relative.parts)
    annotation = any(part.lower() in ANNOTATIONS for part in relative.parts[:-1])
    return path.suffix.lower() in CONTENT_TYPES and not hidden and not annotation and path.is_file()


def _folders(path: Path, directory: Path) -> list[str]:
    return [part.lower() for part in path.relative_to(directory).parts[:-1]]


def _is_good(path: Path, directory: Path) -> bool:
    return bool(GOOD & set(_folders(path, directory)))


def _labelled(path: Path, directory: Path, *, labelled: bool) -> FolderImage:
    if _is_good(path, directory):
        return FolderImage(path=path, defect=False)
    folders = [name for name in _folders(path, directory) if name not in _NEUTRAL]
    prefix = re.match(r"[A-Za-z]+", path.stem)
    kind = folders[-1] if folders else (prefix[0].lower() if prefix else "")
    return FolderImage(path=path, defect=True if labelled else None, defect_type=kind)
