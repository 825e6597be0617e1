"""Plain folders: ``normal/``, ``images/``, ``masks/``; kinds of defects by folders in ``images/`` or by names."""

import re
from pathlib import Path, PurePosixPath
from typing import Final

from models.evaluate.layouts.image_files import images_below, mask_of, masks_by_name, subfolder
from models.evaluate.sample import GOOD, ObjectSet, Sample
from wire.errors import ConfigurationError

_NORMAL: Final = frozenset({"normal", "normals", "good", "ok", "free"})
_IMAGES: Final = frozenset({"images", "image", "defect", "defects", "defective", "anomaly", "anomalous", "bad", "ng"})
_MASKS: Final = frozenset({"masks", "mask", "ground_truth", "labels", "label"})
_UNNAMED: Final = "defect"


def is_plain(root: Path) -> bool:
    """Whether ``root`` has a folder of defective images in this layout."""
    return subfolder(root, _IMAGES) is not None


def read_plain(root: Path, classes: str | None) -> list[ObjectSet]:
    """One object. ConfigurationError for images whose kind ``classes`` does not tell, and without any images."""
    images, normal = subfolder(root, _IMAGES), subfolder(root, _NORMAL)
    if images is None:
        raise ConfigurationError([f"{root}: no folder {', '.join(sorted(_IMAGES))} with the defective images"])
    masks = masks_by_name(subfolder(root, _MASKS))
    good = tuple(
        Sample(image=path, name=path.relative_to(root).as_posix(), kind=GOOD)
        for path in (images_below(normal) if normal is not None else [])
    )
    defective, unnamed = [], []
    for path in images_below(images):
        below = PurePosixPath(path.relative_to(images).as_posix())
        kind = _kind(path.relative_to(root).as_posix(), below, classes)
        if kind is None:
            unnamed.append(path.relative_to(root).as_posix())
            continue
        # Good parts may lie among the others, as in test/good of other layouts.
        is_good = kind.lower() in _NORMAL
        defective.append(
            Sample(
                image=path,
                name=path.relative_to(root).as_posix(),
                kind=GOOD if is_good else kind,
                mask=None if is_good else mask_of(masks, below),
            )
        )
    if unnamed:
        more = f" and {len(unnamed) - 3} more" if len(unnamed) > 3 else ""
        raise ConfigurationError([f"--classes: {classes!r} is not found in {', '.join(unnamed[:3])}{more}"])
    tests = (*good, *defective)
    references = good or tuple(sample for sample in defective if not sample.defect)
    return [ObjectSet(name=root.resolve().name, references=references, tests=tests)]


def _kind(name: str, below: PurePosixPath, classes: str | None) -> str | None:
    if classes is not None:
        found = re.search(classes, name)
        return found[1] if found else None
    return below.parts[0] if len(below.parts) > 1 else _UNNAMED
