import numpy as np
import pytest

from models.backbones.geometric_rgb import geometric_rgb
from models.backbones.geometry import GeometrySettings
from wire.errors import ShapeError

SETTINGS = GeometrySettings(smoothing_px=1.5, trials=100, fit_samples=1024)
LARGE = 10**6


def rough(tilt: float = 0.05, unit: float = 1.0, seed: int = 0) -> np.ndarray:
    """A plane of 80 x 120 with 0.02 mm of noise, 2 mm nearer in a square and 2 mm farther in another."""
    y, x = np.mgrid[:80, :120]
    depth = 400 + tilt * x - 0.02 * y + 0.02 * np.random.default_rng(seed).standard_normal((80, 120))
    depth[20:40, 20:40] -= 2.0
    depth[20:40, 80:100] += 2.0
    return (unit * depth).astype(np.float32)


def test_height_and_normals_are_pictures_from_zero_to_one():
    planes = geometric_rgb(rough(), SETTINGS, max_pixels=LARGE)
    assert planes.values.shape == (3, 80, 120)
    assert planes.values.dtype == np.float32
    assert float(planes.values.min()) >= 0.0
    assert float(planes.values.max()) <= 1.0
    height, across, down = planes.values
    assert height[30, 30] > 0.99  # nearer
    assert height[30, 90] < 0.01  # farther
    assert float(np.median(height)) == pytest.approx(0.5, abs=0.05)
    assert float(np.median(across)) == pytest.approx(0.5, abs=0.02)
    # The sides of the nearer square, from 20 to 40 both ways, look away from it; those of the farther one into it.
    assert across[30, 20] < 0.05 < 0.95 < across[30, 40]
    assert down[20, 30] < 0.05 < 0.95 < down[40, 30]
    assert across[30, 80] > 0.95
    assert across[30, 100] < 0.05
    assert down[30, 20] == pytest.approx(0.5, abs=0.1)


def test_a_tenth_of_the_curvature_sharpens_the_height():
    """Ripples a cos(2 pi x / 20): height and bulge have one shape, and |cos| has the median .7071.

    Each alone is cos / (4 x 1.4826 x .7071) = .2385 cos; together tanh(1.1 x .2385) = .256 at the crest.
    """
    ripples = 0.5 * np.cos(2 * np.pi * np.arange(200, dtype=np.float32) / 20)
    depth = np.repeat((400 - ripples)[None], 80, axis=0).astype(np.float32)
    height = geometric_rgb(depth, SETTINGS, max_pixels=LARGE).values[0]
    assert height[40, 100] == pytest.approx(0.5 + 0.256 / 2, abs=0.004)  # without: .5 + .234 / 2
    assert height[40, 110] == pytest.approx(0.5 - 0.256 / 2, abs=0.004)


def test_a_slope_as_steep_as_usual_leans_by_a_sixth():
    """Folds that rise and fall by 1 mm a px, 20 px each: every slope is the usual one, s.

    The scale is 4 x 1.4826 s, so a normal leans by (1 / 5.93) / sqrt(1 + 1 / 5.93 ** 2) = .166 of its length.
    """
    folds = np.abs(np.arange(160, dtype=np.float32) % 40 - 20)
    depth = np.repeat((400 + folds)[None], 60, axis=0)
    across = geometric_rgb(depth, SETTINGS, max_pixels=LARGE).values[1]
    assert across[30, 50] == pytest.approx(0.5 - 0.166 / 2, abs=0.005)  # coming nearer: it leans to the left
    assert across[30, 70] == pytest.approx(0.5 + 0.166 / 2, abs=0.005)


def test_tilt_and_unit_do_not_matter():
    flat = geometric_rgb(rough(tilt=0.0), SETTINGS, max_pixels=LARGE).values
    tilted = geometric_rgb(rough(tilt=0.4), SETTINGS, max_pixels=LARGE).values
    in_metres_tenfold = geometric_rgb(rough(tilt=0.0, unit=10.0), SETTINGS, max_pixels=LARGE).values
    assert float(np.abs(flat - tilted).mean()) < 0.01
    assert float(np.abs(flat - in_metres_tenfold).mean()) < 0.01


def test_a_hole_is_neutral_and_not_valid_and_leaves_the_rest_alone():
    depth = rough()
    whole = geometric_rgb(depth, SETTINGS, max_pixels=LARGE)
    depth[55:75, 50:70] = np.nan
    holed = geometric_rgb(depth, SETTINGS, max_pixels=LARGE)
    assert holed.valid is not None
    assert not holed.valid[65, 60]
    assert holed.values[:, 65, 60].tolist() == [0.5, 0.5, 0.5]
    assert holed.values[1:, 54, 60].tolist() == [0.5, 0.5]  # the rim, whose normal would be the filling's
    assert float(np.abs(whole.values - holed.values)[:, :45].max()) < 0.05


def test_scattered_dropouts_leave_the_height_as_it_is():
    depth = rough()
    depth[np.random.default_rng(1).random(depth.shape) < 0.02] = np.nan
    height = geometric_rgb(depth, SETTINGS, max_pixels=LARGE).values[0]
    assert float(np.median(height[24:36, 24:36])) > 0.99
    assert float(np.median(height[24:36, 84:96])) < 0.01


def test_depth_without_returns_is_neutral():
    planes = geometric_rgb(np.full((20, 30), np.nan, np.float32), SETTINGS, max_pixels=LARGE)
    assert planes.valid is not None
    assert not planes.valid.any()
    assert np.unique(planes.values).tolist() == [0.5]


def test_an_ideal_plane_is_grey_and_not_its_rounding():
    y, x = np.mgrid[:60, :80]
    values = geometric_rgb((400 + 0.05 * x - 0.02 * y).astype(np.float32), SETTINGS, max_pixels=LARGE).values
    assert float(np.abs(values[0] - 0.5).max()) < 0.35
    assert geometric_rgb(rough(), SETTINGS, max_pixels=2400).values.shape == (3, 40, 60)


def test_depth_of_another_rank_is_refused():
    with pytest.raises(ShapeError, match=r"depth has shape \(2, 3, 4\), expected \(H, W\)"):
        geometric_rgb(np.zeros((2, 3, 4), np.float32), SETTINGS, max_pixels=LARGE)
