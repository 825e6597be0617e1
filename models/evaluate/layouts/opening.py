"""From a folder to a labelled data set: the layout is found by looking, what cannot be evaluated is refused by name."""

from pathlib import Path

from models.evaluate.dataset_file import DatasetFile
from models.evaluate.layouts.meta_json import FILE_NAME, read_meta
from models.evaluate.layouts.mvtec import is_mvtec, read_mvtec
from models.evaluate.layouts.plain import is_plain, read_plain
from models.evaluate.layouts.visa import is_visa, read_visa
from models.evaluate.sample import LabelledSet, ObjectSet
from wire.errors import ConfigurationError

_NAMED = 5  # of many files with the same problem, so many are named


def open_labelled_set(root: Path, options: DatasetFile) -> LabelledSet:
    """Read the data set in ``root``.

    ConfigurationError: no such folder, no known layout, no images, files that are listed but not there, or defects of
    which some have a mask and others have none.
    """
    if not root.is_dir():
        raise ConfigurationError([f"--dataset: {root} is not a folder"])
    layout = options.layout if options.layout != "auto" else find_layout(root)
    objects = _read(root, layout, options)
    found = LabelledSet(name=root.resolve().name, root=root, layout=layout, objects=tuple(objects))
    problems = _problems(found)
    if problems:
        raise ConfigurationError(problems)
    return found


def find_layout(root: Path) -> str:
    """The layout of ``root`` by its files and folders; ConfigurationError if it is none that is known."""
    if (root / FILE_NAME).is_file():
        return "meta"
    for name, fits in (("visa", is_visa), ("mvtec", is_mvtec), ("plain", is_plain)):
        if fits(root):
            return name
    raise ConfigurationError([
        f"--dataset: {root} has no known layout: meta.json; OBJECT/Data/Images (VisA); OBJECT/train and OBJECT/test "
        "(MVTec AD); normal/, images/ and masks/"
    ])  # fmt: skip


def _read(root: Path, layout: str, options: DatasetFile) -> list[ObjectSet]:
    if layout == "meta":
        return read_meta(root)
    if layout == "visa":
        return read_visa(root)
    if layout == "mvtec":
        return read_mvtec(root)
    return read_plain(root, options.classes)


def _problems(found: LabelledSet) -> list[str]:
    samples = list(found.samples())
    if not samples:
        return [f"--dataset: no images in {found.root} ({found.layout} layout)"]
    if not any(sample.defect for sample in samples):
        return [f"--dataset: {found.root} has no defective image ({found.layout} layout): nothing to tell apart"]
    problems = []
    absent = [path for sample in samples for path in (sample.image, sample.mask) if path and not path.is_file()]
    if absent:
        problems.append(
            f"--dataset: {len(absent)} files are named and not there: {_some([str(path) for path in absent])}"
        )
    unmarked = [sample.name for sample in samples if sample.defect and sample.mask is None]
    if found.masked and unmarked:
        problems.append(f"--dataset: {len(unmarked)} defective images have no mask: {_some(unmarked)}")
    good = any(not sample.defect for sample in samples)
    if not found.masked and not good:
        problems.append(f"--dataset: {found.root} has neither masks nor good images: nothing can be measured")
    return problems


def _some(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")
