import numpy as np
import pytest

from models.backbones.geometry import GeometrySettings, depth_planes, height_picture
from models.backbones.point_grid import cloud_depth_mm
from wire.errors import ShapeError
from wire.part import PointCloud

SETTINGS = GeometrySettings(smoothing_px=1.5, trials=100, fit_samples=1024)


def tilted(height: int = 60, width: int = 80) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return (400 + 0.05 * x - 0.02 * y).astype(np.float32)


def test_a_tilted_plane_has_no_height_slope_or_curvature():
    planes = depth_planes(tilted(), SETTINGS, max_pixels=10**6)
    assert planes.values.shape == (4, 60, 80)
    assert float(np.abs(planes.values).max()) < 1e-3
    assert planes.valid is not None
    assert planes.valid.all()


def test_a_dent_is_below_the_plane_that_the_rest_defines():
    depth = tilted()
    depth[20:30, 30:45] += 2.0  # farther from the camera
    height = depth_planes(depth, SETTINGS, max_pixels=10**6).values[0]
    assert height[25, 37] == pytest.approx(-2.0, abs=0.02)
    assert height[50, 10] == pytest.approx(0.0, abs=0.02)


def test_a_step_shows_in_slope_and_a_ridge_in_curvature():
    depth = tilted()
    depth[:, 64:] -= 1.0
    depth[30, :30] -= 1.0
    _, slope, curvature, missing = depth_planes(depth, SETTINGS, max_pixels=10**6).values
    assert float(slope[10, 64]) > 20 * float(slope[10, 40])
    assert float(np.abs(curvature[30, 10])) > 0.05 > float(np.abs(curvature[10, 10]))
    assert not missing.any()


def test_missing_returns_are_filled_for_the_filters_counted_and_invalid_where_nothing_is_near():
    depth = tilted()
    depth[5, 5] = np.nan
    depth[20:50, 30:60] = np.nan
    planes = depth_planes(depth, SETTINGS, max_pixels=10**6)
    assert planes.valid is not None
    assert np.isfinite(planes.values).all()
    assert planes.values[3, 5, 5] == 1.0
    assert planes.valid[5, 5]  # its neighbours know
    assert not planes.valid[35, 45]
    assert float(np.abs(planes.values[0]).max()) < 0.02


def test_depth_without_returns_is_invalid_everywhere():
    planes = depth_planes(np.full((20, 30), np.nan, np.float32), SETTINGS, max_pixels=10**6)
    assert planes.valid is not None
    assert not planes.valid.any()
    assert not planes.values.any()


def test_shrinking_averages_known_returns_only():
    depth = np.full((40, 40), 100.0, np.float32)
    depth[::2, ::2] = np.nan
    planes = depth_planes(depth, SETTINGS, max_pixels=400)
    assert planes.values.shape[1:] == (20, 20)
    assert float(np.abs(planes.values[0]).max()) < 1e-3
    assert planes.values[3] == pytest.approx(0.25)


def test_the_height_picture_is_brighter_where_the_part_is_nearer():
    depth = tilted()
    depth[10:30, 10:30] -= 3.0
    depth[0, 0] = np.nan
    picture = height_picture(depth, SETTINGS)
    assert picture.dtype == np.uint8
    assert picture[20, 20] > 200 > picture[50, 60]
    assert picture[0, 0] == 0


def test_depth_of_another_rank_is_refused():
    with pytest.raises(ShapeError, match=r"depth has shape \(2, 3, 4\), expected \(H, W\)"):
        depth_planes(np.zeros((2, 3, 4), np.float32), SETTINGS, max_pixels=100)


def test_an_organised_cloud_keeps_its_grid():
    points = np.arange(18, dtype=np.float32).reshape(6, 3)
    points[4] = np.nan
    depth = cloud_depth_mm(PointCloud(xyz_mm=points, grid=(2, 3)))
    assert depth.shape == (2, 3)
    assert depth[1].tolist()[::2] == [11.0, 17.0]
    assert np.isnan(depth[1, 1])


def test_an_unorganised_cloud_is_projected_whatever_the_order_of_its_points():
    y, x = np.mgrid[:40, :60]
    points = np.stack([x.ravel(), y.ravel(), 100 + 0.1 * x.ravel()], axis=1).astype(np.float32)
    shuffled = np.random.default_rng(0).permutation(points)
    depth, again = cloud_depth_mm(PointCloud(xyz_mm=points)), cloud_depth_mm(PointCloud(xyz_mm=shuffled))
    assert np.array_equal(depth, again, equal_nan=True)
    assert np.isfinite(depth).mean() > 0.9
    assert depth.shape[1] / depth.shape[0] == pytest.approx(1.5, rel=0.15)
    assert np.nanmean(depth[:, -1]) > np.nanmean(depth[:, 0])


def test_of_points_in_one_cell_the_nearest_to_the_sensor_counts():
    points = np.array([[0, 0, 5], [0, 0, 3], [10, 10, 7], [10, 10, 9]], np.float32)
    depth = cloud_depth_mm(PointCloud(xyz_mm=points))
    assert sorted(depth[np.isfinite(depth)].tolist()) == [3.0, 7.0]


def test_an_empty_cloud_is_one_missing_return():
    depth = cloud_depth_mm(PointCloud(xyz_mm=np.full((3, 3), np.nan, np.float32)))
    assert depth.shape == (1, 1)
    assert np.isnan(depth).all()


def test_points_that_do_not_fill_their_grid_are_refused():
    with pytest.raises(ShapeError, match="6 points do not fill a grid of 2 x 4"):
        cloud_depth_mm(PointCloud(xyz_mm=np.zeros((6, 3), np.float32), grid=(2, 4)))
    with pytest.raises(ShapeError, match=r"points have shape \(6, 2\)"):
        cloud_depth_mm(PointCloud(xyz_mm=np.zeros((6, 2), np.float32)))
