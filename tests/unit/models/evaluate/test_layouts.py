from collections import Counter
from pathlib import Path

import pytest

from models.evaluate.dataset_file import DatasetFile, named_layout, read_dataset_file, shipped_names
from models.evaluate.layouts.opening import open_labelled_set
from models.evaluate.sample import LabelledSet
from tests.unit.models.evaluate.drawn_sets import bad_image, good_image, meta, mvtec, plain, visa, write
from wire.errors import ConfigurationError


def opened(root: Path, **options: object) -> LabelledSet:
    return open_labelled_set(root, DatasetFile.model_validate(options))


def counts(found: LabelledSet, index: int = 0) -> tuple[int, dict[str, int]]:
    each = found.objects[index]
    return len(each.references), dict(Counter(sample.kind for sample in each.tests))


def test_mvtec_objects_have_training_images_tests_by_folder_and_masks(tmp_path: Path) -> None:
    found = opened(mvtec(tmp_path / "set", objects=("bolt", "nut")))

    assert (found.layout, [each.name for each in found.objects]) == ("mvtec", ["bolt", "nut"])
    assert counts(found, 1) == (5, {"good": 3, "dent": 3, "spot": 3})
    dent = next(sample for sample in found.objects[0].tests if sample.kind == "dent")
    assert dent.name == "bolt/test/dent/000.png"
    assert dent.mask == tmp_path / "set" / "bolt" / "ground_truth" / "dent" / "000_mask.png"
    assert found.objects[0].kinds == ("dent", "spot")


def test_one_mvtec_object_alone_is_a_data_set(tmp_path: Path) -> None:
    found = opened(mvtec(tmp_path) / "bolt")

    assert [each.name for each in found.objects] == ["bolt"]
    assert counts(found) == (5, {"good": 3, "dent": 3, "spot": 3})


def test_without_training_images_good_tests_are_references(tmp_path: Path) -> None:
    found = opened(mvtec(tmp_path, train=0))

    assert counts(found) == (3, {"good": 3, "dent": 3, "spot": 3})
    assert set(found.objects[0].references) < set(found.objects[0].tests)


def test_visa_with_its_split_and_without(tmp_path: Path) -> None:
    with_split, without = opened(visa(tmp_path / "a", split=True)), opened(visa(tmp_path / "b", split=False))

    assert (with_split.layout, without.layout) == ("visa", "visa")
    assert counts(with_split) == (3, {"good": 2, "anomaly": 2})
    assert counts(without) == (5, {"good": 5, "anomaly": 2})
    assert all(sample.mask for each in (with_split, without) for sample in each.samples() if sample.defect)


def test_meta_json_wins_over_the_folders_around_it(tmp_path: Path) -> None:
    found = opened(meta(tmp_path))

    assert found.layout == "meta"
    assert counts(found) == (2, {"good": 1, "dent": 1})


def test_plain_folders_have_one_kind_or_kinds_by_pattern_or_by_folder(tmp_path: Path) -> None:
    root = plain(tmp_path / "set")
    assert counts(opened(root)) == (6, {"good": 6, "defect": 6})
    assert counts(opened(root, classes=r"images/([a-z]+)_")) == (6, {"good": 6, "dent": 3, "spot": 3})

    image, mask = bad_image(9)
    write(tmp_path / "folders" / "images" / "scratch" / "1.png", image)
    write(tmp_path / "folders" / "masks" / "scratch" / "1.png", mask)
    write(tmp_path / "folders" / "images" / "good" / "2.png", good_image(1))
    assert counts(opened(tmp_path / "folders")) == (1, {"scratch": 1, "good": 1})


def test_what_cannot_be_evaluated_is_refused_with_the_reason(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    (empty / "images").mkdir(parents=True)
    (tmp_path / "nothing").mkdir()
    unmasked = plain(tmp_path / "unmasked")
    (unmasked / "masks" / "dent_part_1.png").unlink()
    only_defects = plain(tmp_path / "only", good=0)
    for mask in (only_defects / "masks").iterdir():
        mask.unlink()
    gone = visa(tmp_path / "gone", split=True)
    (gone / "candle" / "Data" / "Images" / "Anomaly" / "001.JPG").unlink()

    for root, reason in (
        (tmp_path / "nowhere", "is not a folder"),
        (tmp_path / "nothing", "has no known layout"),
        (empty, "no images in"),
        (unmasked, "1 defective images have no mask: images/dent_part_1.png"),
        (only_defects, "has neither masks nor good images"),
        (gone, "1 files are named and not there: .*001.JPG"),
    ):
        with pytest.raises(ConfigurationError, match=reason):
            opened(root)
    with pytest.raises(ConfigurationError, match=r"--classes: '\(\[0-9\]\+\)x' is not found in images/dent_part_0.png"):
        opened(plain(tmp_path / "set"), classes="([0-9]+)x")


def test_options_are_checked_and_known_sets_ship_inside(tmp_path: Path) -> None:
    assert {"magnetic_tile", "neu_seg"} <= set(shipped_names())
    assert named_layout("magnetic_tile").group_distance == 60
    assert named_layout("visa") == DatasetFile(layout="visa")
    with pytest.raises(ConfigurationError, match="'mvtek' is none of auto, mvtec"):
        named_layout("mvtek")

    file = tmp_path / "set.yaml"
    file.write_text("root: images\nlayout: plain\nclasses: '([a-z'\ngroup: num\ncolour: red\n")
    with pytest.raises(ConfigurationError) as caught:
        read_dataset_file(file)
    assert [problem.split(",")[0] for problem in caught.value.problems] == [
        f"{file}: classes: Value error",
        f"{file}: group: Value error",
        f"{file}: colour: Extra inputs are not permitted",
    ]
    file.write_text("root: here\n")
    assert read_dataset_file(file).root == tmp_path / "here"
