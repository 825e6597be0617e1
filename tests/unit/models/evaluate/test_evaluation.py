import json
from pathlib import Path

import numpy as np
import pytest

from models.evaluate.baselines.blur import BlurInspector
from models.evaluate.baselines.untrained_resnet import UntrainedResnetInspector
from models.evaluate.comparison import compare
from models.evaluate.dataset_file import DatasetFile
from models.evaluate.evaluator import Cell
from models.evaluate.loading import load_image, part_of
from models.evaluate.report.exhibition import Exhibition
from models.evaluate.report.page import write_page
from models.evaluate.results import EvaluationResult, read_result, suspects
from models.evaluate.sample import Sample
from models.evaluate.session import Settings, run_evaluation
from tests.unit.models.evaluate.drawn_sets import bad_image, good_image, mvtec, plain, write
from wire.errors import ConfigurationError
from wire.line_state import LineSpec

OPTIONS = DatasetFile(classes=r"images/([a-z]+)_", group=r"part_(\d+)")


def evaluated(root: Path, exhibition: Exhibition | None = None, **settings: object) -> EvaluationResult:
    given = {"options": OPTIONS, "recipes": ("blur", "untrained_resnet18"), "shots": (0, 2), "draws": 2,
             "resolution": 64, "threads": 1, **settings}  # fmt: skip
    return run_evaluation(Settings.model_validate({"dataset": root, **given}), lambda text: None, exhibition)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plain(tmp_path_factory.mktemp("evaluated") / "drawn")


@pytest.fixture(scope="module")
def exhibition() -> Exhibition:
    return Exhibition()


@pytest.fixture(scope="module")
def result(root: Path, exhibition: Exhibition) -> EvaluationResult:
    return evaluated(root, exhibition)


def test_bright_squares_are_found_by_every_baseline(result: EvaluationResult) -> None:
    for detector, shots in ((0, 0), (1, 1)):
        mean = result.detectors[detector].shots[shots].spread["mean of kinds"]
        assert mean["image_auroc"].mean == 1.0
        assert mean["pixel_auroc"].mean > 0.97
        assert mean["aupro_30"].mean > 0.85


def test_what_a_detector_cannot_do_is_said_and_not_scored(result: EvaluationResult) -> None:
    blur, network = result.detectors

    assert [each.unavailable for each in blur.shots] == [None, "uses no references: see 0 shots"]
    assert [each.unavailable for each in network.shots] == ["needs references", None]
    assert len(blur.shots[0].draws) == 1  # nothing to draw
    assert len(network.shots[1].draws) == 2
    assert network.shots[0].spread == {}


def test_no_inspected_image_shows_the_part_of_a_reference(result: EvaluationResult) -> None:
    for draw in result.detectors[1].shots[1].draws:
        own = draw.objects["drawn"]
        numbers = {name.split("part_")[1] for name in own.references}
        assert len(own.references) == 2
        assert {name.split("part_")[1] for name in own.left_out} == numbers
        assert own.good_images == 6 - 2 * len(numbers)
        assert own.defect_images == {"dent": 3, "spot": 3}


def test_every_figure_of_the_document_survives_writing_and_reading(result: EvaluationResult, tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    path.write_text(result.model_dump_json())

    assert read_result(path) == result
    document = json.loads(path.read_text())
    assert document["conditions"]["seed"] == 0
    assert document["dataset"]["images"] == {"drawn": {"good": 6, "dent": 3, "spot": 3}}
    assert document["versions"].keys() == {"numpy", "opencv-python-headless", "torch", "torchvision"}
    assert all(len(detector["digest"]) == 64 for detector in document["detectors"])
    path.write_text("{}")
    with pytest.raises(ConfigurationError, match="is no result of an evaluation"):
        read_result(path)


def test_the_same_settings_give_the_same_figures(result: EvaluationResult, root: Path) -> None:
    again = evaluated(root)

    for first, second in zip(result.detectors, again.detectors, strict=True):
        assert [each.spread for each in first.shots] == [each.spread for each in second.shots]


def test_the_page_shows_curves_and_maps_and_needs_nothing_else(
    result: EvaluationResult, exhibition: Exhibition, tmp_path: Path
) -> None:
    path = write_page(tmp_path / "new" / "report", result, exhibition)

    html = path.read_text()
    # A bar of colours per run; of three images of a kind two are among the best and one is among the worst.
    good = result.detectors[1].shots[1].draws[0].objects["drawn"].good_images
    assert html.count('<img src="data:image/jpeg;base64,') == (1 + 3 + 3 + 6) + (1 + 3 + 3 + good)
    assert "http" not in html
    assert "<script" not in html
    assert "uses no references" in html
    assert html.count("<svg viewBox") == 3 + 2 * 4
    assert read_result(path.parent / "evaluation.json") == result
    room = exhibition.rooms[Cell(detector="blur", shots=0, draw=0, object="drawn")]
    assert room.scale.low < room.scale.high
    assert set(room.best) == {"good", "dent", "spot"}


def test_without_masks_there_are_image_figures_alone(tmp_path: Path) -> None:
    root = plain(tmp_path / "set")
    for mask in (root / "masks").iterdir():
        mask.unlink()

    figures = evaluated(root, Exhibition(), recipes=("blur",), shots=(0,)).detectors[0].shots[0].spread["pooled"]

    assert figures["image_auroc"].mean == 1.0
    assert "pixel_auroc" not in figures


def test_without_good_images_there_are_pixel_figures_alone_and_nothing_to_draw_from(tmp_path: Path) -> None:
    found = evaluated(plain(tmp_path, good=0), recipes=("untrained_resnet18", "blur")).detectors

    assert found[0].shots[1].unavailable == "0 good images to draw from"
    assert "image_auroc" not in found[1].shots[0].spread["pooled"]
    assert found[1].shots[0].spread["pooled"]["pixel_auroc"].mean > 0.97


def test_every_object_has_a_memory_of_its_own_and_counts_the_same(tmp_path: Path) -> None:
    result = evaluated(mvtec(tmp_path / "set", objects=("bolt", "nut")), options=DatasetFile(), shots=(1,), draws=1,
                       recipes=("untrained_resnet18",), images_per_kind=2)  # fmt: skip

    draw = result.detectors[0].shots[0].draws[0]
    assert list(draw.objects) == ["bolt", "nut"]
    assert draw.objects["bolt"].references != draw.objects["nut"].references
    assert {each.good_images for each in draw.objects.values()} == {2}
    pooled = [each.pooled.pixel_auroc for each in draw.objects.values()]
    assert draw.pooled.pixel_auroc == pytest.approx(np.mean([value for value in pooled if value is not None]))


def test_unreadable_files_are_all_named_or_left_out(tmp_path: Path) -> None:
    root = plain(tmp_path)
    (root / "images" / "dent_part_0.png").write_bytes(b"\x89PNG\r\n\x1a\nrubbish")
    write(root / "masks" / "spot_part_10.png", np.zeros((10, 10), np.uint8))
    write(root / "masks" / "spot_part_11.png", np.zeros((64, 64), np.uint8))

    with pytest.raises(ConfigurationError) as caught:
        evaluated(root)
    assert [problem.split(": ")[0] for problem in caught.value.problems[:-1]] == [
        "images/dent_part_0.png",
        "images/spot_part_10.png",
        "images/spot_part_11.png",
    ]
    assert "has 10 x 10 px, its image 64 x 64" in caught.value.problems[1]
    assert "marks nothing on a defective image" in caught.value.problems[2]

    result = evaluated(root, skip_unreadable=True, recipes=("blur",), shots=(0,))
    assert len(result.dataset.skipped) == 3
    assert result.dataset.images == {root.name: {"good": 6, "dent": 2, "spot": 1}}


def test_tests_that_look_like_references_are_suspects_until_left_out(tmp_path: Path) -> None:
    root = plain(tmp_path, good=0)
    texture = np.random.default_rng(0).normal(128, 40, (64, 64)).clip(0, 255).astype(np.uint8)
    for i in range(4):
        write(root / "normal" / f"free_{i}.png", np.roll(texture, 3 * i, axis=1))
    options = {"classes": r"images/([a-z]+)_"}

    kept = evaluated(root, options=options, recipes=("untrained_resnet18",), shots=(1,), draws=1)
    gone = evaluated(root, options={**options, "near_duplicates": True}, recipes=("untrained_resnet18",), shots=(1,),
                     draws=1)  # fmt: skip

    assert len(suspects(kept)[root.name]) == 3
    assert kept.detectors[0].shots[0].draws[0].objects[root.name].good_images == 3
    assert suspects(gone) == {}
    assert gone.detectors[0].shots[0].draws[0].objects[root.name].good_images == 0


def test_two_results_are_compared_by_kind_only_under_equal_conditions(result: EvaluationResult, root: Path) -> None:
    (found,) = compare(result, result, "untrained_resnet18", "untrained_resnet18")

    assert found.shots == 2
    pixel = next(each for each in found.figures if each.metric == "pixel_auroc")
    assert set(pixel.kinds) == {"drawn/dent", "drawn/spot"}
    assert (pixel.test.mean, pixel.test.sign_p, pixel.test.ahead) == (0.0, 1.0, 0)
    other = evaluated(root, recipes=("blur",), shots=(0,), resolution=32)
    with pytest.raises(ConfigurationError) as caught:
        compare(result, other, "blur", "net")
    assert caught.value.problems == (
        "not comparable: resolution is 64 here and 32 there",
        "no detector 'net'; there are blur",
    )
    with pytest.raises(ConfigurationError, match="measured at no common number of references"):
        compare(result, result, "blur", "untrained_resnet18")


def test_baselines_answer_like_any_inspector_and_give_the_same_twice(tmp_path: Path) -> None:
    samples = [
        Sample(image=write(tmp_path / f"{i}.png", pixels), name=f"{i}.png", kind="good")
        for i, pixels in enumerate((good_image(0), good_image(1), bad_image(2)[0]))
    ]
    parts = [part_of(load_image(sample), sample.name, "a.b.c") for sample in samples]
    blur, network = BlurInspector(), UntrainedResnetInspector()

    state = network.build_state(parts[:1], LineSpec(line="a.b.c"))
    findings = network.inspect(parts, [state] * 3)

    assert [finding.score for finding in network.inspect(parts[2:], [state])] == [findings[2].score]
    assert UntrainedResnetInspector().digest == network.digest == state.metadata.model_digest
    assert findings[2].score > findings[1].score > findings[0].score
    assert network.inspect(parts[:1], [None])[0].score is None
    with pytest.raises(ValueError, match="needs at least 1"):
        network.build_state([], LineSpec(line="a.b.c"))
    with pytest.raises(ValueError, match="remembers nothing"):
        blur.build_state(parts, LineSpec(line="a.b.c"))
    assert blur.inspect(parts[2:], [None])[0].pictures["rgb"].map.shape == (256, 256)
