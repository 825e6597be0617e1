"""Image files of a folder, and the mask that belongs to an image."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from wire.image_codec import CONTENT_TYPES

# MVTec AD writes 000_mask.png, others 000.png or 000_GT.png beside the image 000.png.
_MASK_SUFFIXES: Final = ("_mask", "", "_gt", "_GT", "_label")


def images_below(folder: Path) -> list[Path]:
    """Every image below ``folder``, sorted; hidden files are not looked at."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in CONTENT_TYPES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


def subfolder(folder: Path, names: frozenset[str]) -> Path | None:
    """The first folder directly in ``folder`` whose name, in lower case, is one of ``names``."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name.lower() in names:
            return path
    return None


def masks_by_name(folder: Path | None) -> Mapping[PurePosixPath, Path]:
    """Masks by their path below ``folder`` without the extension; empty without a folder."""
    if folder is None:
        return {}
    return {PurePosixPath(path.relative_to(folder).with_suffix("").as_posix()): path for path in images_below(folder)}


def mask_of(masks: Mapping[PurePosixPath, Path], image: PurePosixPath) -> Path | None:
    """The mask of the image at ``image`` (relative): the same path, or the same name in the masks' own folder."""
    for stem in (image.with_suffix(""), PurePosixPath(image.stem)):
        for suffix in _MASK_SUFFIXES:
            found = masks.get(stem.with_name(stem.name + suffix))
            if found is not None:
                return found
    return None
