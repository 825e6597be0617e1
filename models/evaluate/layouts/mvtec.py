"""MVTec AD: OBJECT/train/good, OBJECT/test/KIND, OBJECT/ground_truth/KIND/NAME_mask.png; or one such object alone."""

from pathlib import Path, PurePosixPath
from typing import Final

from models.evaluate.layouts.image_files import images_below, mask_of, masks_by_name
from models.evaluate.sample import GOOD, ObjectSet, Sample

_GOOD_FOLDERS: Final = frozenset({"good", "normal", "ok"})


def is_mvtec(root: Path) -> bool:
    """Whether ``root`` is an object or a folder of objects in this layout."""
    return bool(_object_folders(root))


def read_mvtec(root: Path) -> list[ObjectSet]:
    """Every object below ``root``; without training images the good test images serve as references."""
    return [_read_object(root, folder) for folder in _object_folders(root)]


def _object_folders(root: Path) -> list[Path]:
    if (root / "test").is_dir():
        return [root]
    return [folder for folder in sorted(root.iterdir()) if (folder / "test").is_dir()]


def _read_object(root: Path, folder: Path) -> ObjectSet:
    truth = folder / "ground_truth"
    masks = masks_by_name(truth if truth.is_dir() else None)
    tests = []
    for path in images_below(folder / "test"):
        below = PurePosixPath(path.relative_to(folder / "test").as_posix())
        kind = below.parts[0] if len(below.parts) > 1 else GOOD
        good = kind.lower() in _GOOD_FOLDERS
        tests.append(
            Sample(
                image=path,
                name=path.relative_to(root).as_posix(),
                kind=GOOD if good else kind,
                mask=None if good else mask_of(masks, below),
            )
        )
    train = folder / "train"
    trained = [
        Sample(image=path, name=path.relative_to(root).as_posix(), kind=GOOD)
        for path in (images_below(train) if train.is_dir() else [])
        if path.parent == train or path.relative_to(train).parts[0].lower() in _GOOD_FOLDERS
    ]
    references = tuple(trained) or tuple(sample for sample in tests if not sample.defect)
    return ObjectSet(name=folder.resolve().name, references=references, tests=tuple(tests))
