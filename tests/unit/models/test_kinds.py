"""Types of defects: appearances of every mask, the classifier's file, and classes taught by examples."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from models.backbones.picture_features import PictureFeatures
from models.kinds.appearance import appearances, dims
from models.kinds.classifier import KindClassifier, KindSettings
from models.kinds.contrast import NAMES as CONTRASTS
from models.kinds.kind_network import KindNetwork
from models.kinds.kinds_file import load_kinds, pack_kinds
from models.kinds.neighbourhood import cells, neighbourhoods
from models.kinds.outline import NAMES as OUTLINES
from models.kinds.outline import outline
from models.kinds.region_pixels import RegionPixels, region_pixels
from models.kinds.seen_picture import SeenPicture
from models.kinds.taught import Limits, adopt, taught_classes
from models.kinds.vocabulary import NAMED, DefectType
from tests.unit.models.tiny_networks import STUDENT
from wire.errors import ConfigurationError, ShapeError

FINE, COARSE = STUDENT.fine_dims, STUDENT.coarse_dims
LIMITS = Limits(least=1.0, most=8.0)
FEATURES_SHA256 = "ab" * 32


def seen(numbers: np.ndarray, *, worked: tuple[int, int] | None = None, seed: int = 0) -> SeenPicture:
    """Random features and pixels on a working picture as large as the mask, or of another size."""
    height, width = worked or numbers.shape
    rows, columns = -(-height // 32) * 4, -(-width // 32) * 4
    torch.manual_seed(seed)
    return SeenPicture(
        features=PictureFeatures(
            fine=torch.randn(FINE, rows, columns).half(), coarse=torch.randn(COARSE, rows // 2, columns // 2).half()
        ),
        pixels=np.random.default_rng(seed).random((3, height, width), np.float32),
        numbers=numbers.astype(np.uint8),
    )


def numbers(height: int = 64, width: int = 96) -> np.ndarray:
    return np.zeros((height, width), np.uint8)


def pixels(mask: np.ndarray) -> RegionPixels:
    return region_pixels(mask.astype(np.uint8), 1)[0]


def network(seed: int = 0) -> KindNetwork:
    torch.manual_seed(seed)
    made = KindNetwork(dims=dims(FINE, COARSE), hidden=6, metric_dims=3)
    made.metric = torch.randn(made.metric.shape)
    return made


def classifier(*, least_probability: float = 0.0, temperature: float = 1.0) -> KindClassifier:
    return KindClassifier(
        network=network(), temperature=temperature, limits=LIMITS, least_probability=least_probability
    )


def test_cells_share_a_mask_by_its_pixels():
    mask = np.zeros((32, 32), np.bool_)
    mask[0:8, 6:10] = True  # two of four columns in the first cell, two in the second
    shares = cells(pixels(mask), (4, 4), (32, 32))
    assert shares[0].tolist() == [0.5, 0.5, 0, 0]
    assert shares[1:].sum() == 0


def test_cells_of_a_shrunk_picture_lie_where_its_pixels_are():
    mask = np.zeros((128, 64), np.bool_)
    mask[127, 0] = True
    shares = cells(pixels(mask), (8, 4), (64, 32))  # bottom left of a working picture of half the size
    assert np.argwhere(shares).tolist() == [[7, 0]]


def test_other_regions_and_padding_are_no_surroundings():
    marked = numbers(40, 64)
    marked[16:24, 16:24] = 1
    marked[16:24, 24:32] = 2
    place = neighbourhoods(seen(marked), region_pixels(marked, 2))[0]
    assert place.ring.shape == (8, 8)
    assert not place.ring[2, 2]
    assert not place.ring[2, 3]
    assert place.ring[2, 1]
    assert not place.ring[5:].any()  # rows 40 to 63 are padding
    assert place.around.sum() == pytest.approx(1)


MASKS = {
    "one pixel": np.s_[31, 17],
    "the last pixel": np.s_[63, 95],
    "one row": np.s_[5, :],
    "one column": np.s_[:, 95],
    "the whole picture": np.s_[:, :],
    "a block at a corner": np.s_[:20, :30],
}


@pytest.mark.parametrize("place", MASKS.values(), ids=MASKS.keys())
@pytest.mark.parametrize("worked", [(64, 96), (128, 192), (32, 48), (50, 75)])
def test_every_region_has_an_appearance(place: tuple, worked: tuple[int, int]):
    marked = numbers()
    marked[place] = 1
    vector = appearances(seen(marked, worked=worked), 1)
    assert vector.shape == (1, dims(FINE, COARSE))
    assert np.isfinite(vector).all()


def test_a_ring_and_its_filling_are_two_regions_with_an_appearance():
    marked = numbers()
    marked[10:50, 10:50] = 1
    marked[20:40, 20:40] = 2
    vectors = appearances(seen(marked), 2)
    assert np.isfinite(vectors).all()
    assert not np.allclose(vectors[0], vectors[1])


def test_where_nothing_lies_around_nothing_differs():
    marked = numbers() + 1
    vector = appearances(seen(marked), 1)[0]
    assert np.allclose(vector[: FINE + COARSE], 0)
    contrasts = dict(zip(CONTRASTS, vector[FINE + COARSE :], strict=False))
    assert [contrasts[name] for name in ("lighter", "redder", "colour", "rougher", "steeper")] == [0] * 5


def test_an_appearance_is_the_difference_of_the_regions_mean_from_the_rings():
    marked = numbers(64, 64)
    marked[24:40, 24:40] = 1  # fine cells 3 and 4 each way
    picture = seen(marked)
    picture.features.fine[:] = 1.0
    picture.features.fine[:, 3:5, 3:5] = 3.0
    picture.features.fine[0, 3, 3] = 7.0
    vector = appearances(picture, 1)[0]
    assert vector[:FINE].tolist() == pytest.approx([3.0, *[2.0] * (FINE - 1)])


def test_contrast_tells_darker_and_redder():
    marked = numbers(64, 64)
    marked[24:40, 24:40] = 1
    picture = seen(marked)
    picture.pixels[:] = 0.5
    picture.pixels[:, 24:40, 24:40] = np.array([0.4, 0.2, 0.2], np.float32)[:, None, None]
    values = dict(zip(CONTRASTS, appearances(picture, 1)[0][FINE + COARSE :], strict=False))
    assert values["lighter"] == pytest.approx(0.299 * 0.4 + 0.587 * 0.2 + 0.114 * 0.2 - 0.5, abs=1e-4)
    assert values["redder"] == pytest.approx(0.2, abs=1e-4)
    assert values["yellower"] == pytest.approx(0.1, abs=1e-4)  # (0.4 + 0.2) / 2 - 0.2
    assert values["level"] == pytest.approx(0.5, abs=1e-4)


def test_an_outline_knows_border_and_pieces():
    mask = np.zeros((40, 50), np.bool_)
    mask[0:2, 10:20] = True  # 20 px, 10 of them in the first row
    mask[5, 10:15] = True
    values = dict(zip(OUTLINES, outline(pixels(mask), 1.0).tolist(), strict=True))
    assert values["area_px"] == pytest.approx(np.log10(25))
    assert values["pieces"] == pytest.approx(np.log(2))
    assert values["largest_share"] == pytest.approx(0.8)
    assert values["touched_sides"] == 1
    assert values["touching_share"] == pytest.approx(2.0)  # 10 / sqrt(25)
    assert values["box_filled"] == pytest.approx(25 / 60)


def test_an_empty_region_and_a_picture_without_colours_are_refused():
    with pytest.raises(ValueError, match="region 1 of 2 holds no pixel"):
        appearances(seen(numbers() + 1), 2)
    picture = seen(numbers())
    with pytest.raises(ShapeError, match=r"pixels \(64, 96\)"):
        SeenPicture(features=picture.features, pixels=picture.pixels[0], numbers=picture.numbers)


def test_no_region_no_name():
    assert classifier().name(seen(numbers()), 0) == []


def test_a_type_has_a_probability_and_below_the_least_one_it_is_unknown():
    marked = numbers()
    marked[8:20, 8:20] = 1
    sure = classifier(temperature=0.01).name(seen(marked), 1)[0]
    assert sure.type in {each.value for each in NAMED}
    assert sure.probability is not None
    assert 0.5 < sure.probability <= 1
    unsure = classifier(temperature=100.0, least_probability=0.5).name(seen(marked), 1)[0]
    assert (unsure.type, unsure.probability) == (DefectType.UNKNOWN, None)


def written(folder: Path, content: bytes) -> tuple[Path, KindSettings]:
    file = folder / "kinds.safetensors"
    file.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    return file, KindSettings(weights=file.name, sha256=sha256, least_probability=0.3)


def packed() -> bytes:
    return pack_kinds(network(), temperature=1.5, limits=LIMITS, features_sha256=FEATURES_SHA256)


def test_a_packed_classifier_answers_as_before(tmp_path: Path):
    file, settings = written(tmp_path, packed())
    loaded = load_kinds(file, settings, STUDENT, features_sha256=FEATURES_SHA256)
    marked = numbers()
    marked[8:20, 8:20] = 1
    before = classifier(temperature=1.5, least_probability=0.3).name(seen(marked), 1)
    assert loaded.name(seen(marked), 1) == before
    assert loaded.limits == LIMITS


def test_the_same_classifier_makes_the_same_bytes():
    assert packed() == packed()


def test_a_file_with_another_hash_or_none_is_refused(tmp_path: Path):
    file, settings = written(tmp_path, packed())
    with pytest.raises(ConfigurationError, match="the recipe says 00ff"):
        load_kinds(file, settings.model_copy(update={"sha256": "00ff"}), STUDENT, features_sha256=FEATURES_SHA256)
    with pytest.raises(ConfigurationError, match=r"none: No such file"):
        load_kinds(tmp_path / "none", settings, STUDENT, features_sha256=FEATURES_SHA256)


def test_a_classifier_of_other_features_is_refused(tmp_path: Path):
    file, settings = written(tmp_path, packed())
    with pytest.raises(ConfigurationError, match=f"trained on the features of {FEATURES_SHA256}, the recipe has cd"):
        load_kinds(file, settings, STUDENT, features_sha256="cd" * 32)
    wider = STUDENT.model_copy(update={"fine_dims": FINE + 1})
    with pytest.raises(ConfigurationError, match="size mismatch"):
        load_kinds(file, settings, wider, features_sha256=FEATURES_SHA256)


def points(*rows: tuple[float, float]) -> np.ndarray:
    return np.array(rows, np.float32).reshape(-1, 2)


SPOTS = points((0, 0), (2, 0), (0, 2), (2, 2))  # around (1, 1), sqrt(2) away each


def test_four_examples_make_a_class_and_three_do_not():
    nothing = points()
    assert taught_classes(["spot"] * 3, SPOTS[:3], nothing, LIMITS) == []
    (spot,) = taught_classes(["spot"] * 4, SPOTS, nothing, LIMITS)
    assert spot.prototype.tolist() == [1, 1]
    # Left out, each example lies 4/3 of sqrt(2) from the mean of the others; half as much again.
    assert spot.reach == pytest.approx(1.5 * 4 / 3 * 2**0.5)


def test_a_reach_is_bounded_by_what_drawn_lines_showed():
    same = points(*[(1, 1)] * 4)
    assert taught_classes(["spot"] * 4, same, points(), LIMITS)[0].reach == 1.0
    assert taught_classes(["spot"] * 4, 100 * SPOTS, points(), LIMITS)[0].reach == 8.0


def test_a_class_stays_clear_of_good_surfaces_and_of_other_examples():
    good = points((1, 3))  # 2 away; the furthest example is sqrt(2) away
    assert taught_classes(["spot"] * 4, SPOTS, good, LIMITS)[0].reach == pytest.approx((2 + 2**0.5) / 2)
    inside = points((1, 1.5))
    names, together = ["spot"] * 4 + ["drip"], np.concatenate([SPOTS, inside])
    assert taught_classes(names, together, points(), LIMITS)[0].reach == pytest.approx(0.5)


def test_a_region_belongs_to_the_class_that_holds_it_most_deeply():
    names = ["spot"] * 4 + ["drip"] * 4
    classes = taught_classes(names, np.concatenate([SPOTS, SPOTS + 8]), points(), LIMITS)
    nearest = adopt(points((8, 9))[0], classes)
    assert nearest is not None
    assert nearest.name == "drip"
    assert 0.5 < nearest.probability < 0.96
    assert adopt(points((5, 5))[0], classes) is None
    exact = adopt(points((1, 1))[0], classes)
    assert exact is not None
    assert exact.probability == pytest.approx(1 / (1 + np.exp(-3)), abs=1e-4)


def test_a_taught_class_wins_over_the_vocabulary():
    marked = numbers()
    marked[8:20, 8:20] = 1
    own = classifier()
    point = own.points(seen(marked), 1)
    classes = taught_classes(["coolant spot"] * 4, np.repeat(point, 4, axis=0), point[:0], LIMITS)
    (named,) = own.name(seen(marked), 1, classes)
    assert named.type == "coolant spot"
    assert named.probability == pytest.approx(0.9526, abs=1e-3)
