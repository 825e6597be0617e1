"""VisA: OBJECT/Data/Images/Normal and Anomaly, OBJECT/Data/Masks/Anomaly; ``split_csv/1cls.csv`` names the split."""

import csv
from pathlib import Path, PurePosixPath

from models.evaluate.layouts.image_files import images_below, mask_of, masks_by_name
from models.evaluate.sample import GOOD, ObjectSet, Sample
from wire.errors import ConfigurationError

_DEFECT = "anomaly"
_COLUMNS = ("object", "split", "label", "image", "mask")


def is_visa(root: Path) -> bool:
    """Whether objects lie below ``root`` in this layout."""
    return bool(_object_folders(root))


def read_visa(root: Path) -> list[ObjectSet]:
    """Every object, split as the CSV says; without it, all normal images are both references and tests."""
    split = root / "split_csv" / "1cls.csv"
    if split.is_file():
        return _from_split(root, split)
    return [_from_folders(root, folder) for folder in _object_folders(root)]


def _object_folders(root: Path) -> list[Path]:
    candidates = [root, *(path for path in sorted(root.iterdir()) if path.is_dir())]
    return [folder for folder in candidates if (folder / "Data" / "Images").is_dir()]


def _from_split(root: Path, split: Path) -> list[ObjectSet]:
    with split.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        absent = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
        if absent:
            raise ConfigurationError([f"{split}: no column {', '.join(absent)}; expected {', '.join(_COLUMNS)}"])
        rows = list(reader)
    objects: dict[str, tuple[list[Sample], list[Sample]]] = {}
    for row in rows:
        good = row["label"].strip().lower() in {"normal", GOOD}
        sample = Sample(
            image=root / row["image"],
            name=row["image"],
            kind=GOOD if good else _DEFECT,
            mask=root / row["mask"] if row["mask"] and not good else None,
        )
        references, tests = objects.setdefault(row["object"], ([], []))
        (references if row["split"].strip().lower() == "train" and good else tests).append(sample)
    return [
        ObjectSet(name=name, references=tuple(references), tests=tuple(tests))
        for name, (references, tests) in sorted(objects.items())
        if tests
    ]


def _from_folders(root: Path, folder: Path) -> ObjectSet:
    images = folder / "Data" / "Images"
    truth = folder / "Data" / "Masks"
    masks = masks_by_name(truth if truth.is_dir() else None)
    tests = []
    for path in images_below(images):
        below = PurePosixPath(path.relative_to(images).as_posix())
        good = below.parts[0].lower() in {"normal", GOOD}
        tests.append(
            Sample(
                image=path,
                name=path.relative_to(root).as_posix(),
                kind=GOOD if good else _DEFECT,
                mask=None if good else mask_of(masks, below),
            )
        )
    good_ones = tuple(sample for sample in tests if not sample.defect)
    return ObjectSet(name=folder.resolve().name, references=good_ones, tests=tuple(tests))
