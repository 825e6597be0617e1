"""A cloud on a photo: a plane where it must lie, what is hidden, what is a hole."""

import numpy as np
import pytest

from models.backbones.cloud_projection import project
from models.backbones.point_grid import cloud_depth_mm
from wire.part import PointCloud
from wire.pinhole_camera import PinholeCamera

IDENTITY = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def camera(*, sensor_to_camera: tuple[float, ...] = IDENTITY, width: int = 80, height: int = 60) -> PinholeCamera:
    return PinholeCamera(
        fx_px=100, fy_px=100, cx_px=40, cy_px=30, width=width, height=height, sensor_to_camera=sensor_to_camera
    )


def cloud(*points: tuple[float, float, float]) -> PointCloud:
    return PointCloud(xyz_mm=np.array(points, np.float32))


def plane(z: float, *, step: float, half: float = 1000.0) -> np.ndarray:
    """A plane across the camera's axis, a point every ``step`` mm."""
    side = np.arange(-half, half + step / 2, step)
    x, y = np.meshgrid(side, side)
    return np.stack([x.ravel(), y.ravel(), np.full(x.size, z)], axis=1).astype(np.float32)


def test_a_point_lies_where_the_pinhole_says() -> None:
    # 100 * 50 / 500 + 40 = 50, 100 * -100 / 500 + 30 = 10
    depth = project(cloud((50, -100, 500)), camera())
    assert np.argwhere(np.isfinite(depth)).tolist() == [[10, 50]]
    assert depth[10, 50] == 500


def test_the_transform_takes_a_point_from_the_sensor_to_the_camera() -> None:
    # the sensor looks down the camera's x: its z is the camera's x, and it stands 500 mm in front of the camera
    matrix = (0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, -1.0, 0.0, 0.0, 500.0)
    depth = project(cloud((100, 20, 40)), camera(sensor_to_camera=matrix))  # camera frame: 40, 20, 400
    assert np.argwhere(np.isfinite(depth)).tolist() == [[35, 50]]
    assert depth[35, 50] == 400


def test_the_nearest_point_of_a_pixel_stays_whatever_the_order() -> None:
    points = [(0, 0, 700), (0, 0, 300), (0, 0, 500)]
    for order in (points, points[::-1]):
        assert project(cloud(*order), camera())[30, 40] == 300


def test_what_lies_behind_or_beside_the_picture_is_left_out() -> None:
    depth = project(cloud((0, 0, -500), (0, 0, 0), (5000, 0, 500), (np.nan, 0, 500), (0, 1e30, 500)), camera())
    assert np.isnan(depth).all()


def test_a_sparse_plane_is_filled_between_its_points_and_nowhere_else() -> None:
    # Points every 15 mm at 500 mm: one every 3 px, from -150 to 150 mm: 30 px to each side of the centre.
    depth = project(PointCloud(xyz_mm=plane(500, step=15, half=150)), camera(width=200, height=150))
    rows, columns = np.nonzero(np.isfinite(depth))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (0, 60, 10, 70)
    assert np.isfinite(depth[2:59, 12:69]).all()
    assert (depth[np.isfinite(depth)] == 500).all()
    assert np.isnan(depth[65:]).all()


def test_a_hole_in_the_surface_stays_a_hole() -> None:
    points = plane(500, step=10, half=200)
    away = np.hypot(points[:, 0], points[:, 1]) < 75  # 15 px around the centre
    depth = project(PointCloud(xyz_mm=points[~away]), camera())
    assert np.isnan(depth[26:35, 36:45]).all()
    assert np.isfinite(depth[30, 60:70]).all()


def test_a_background_does_not_shine_through_a_sparse_foreground() -> None:
    near, far = plane(400, step=12, half=100), plane(800, step=8, half=800)
    depth = project(PointCloud(xyz_mm=np.concatenate([far, near])), camera())
    assert (depth[10:51, 20:61] == 400).all()  # the near plane reaches 25 px around the centre
    assert depth[2, 2] == 800


def test_points_in_any_order_give_the_same_picture() -> None:
    rng = np.random.default_rng(5)
    points = rng.normal((0, 0, 600), (100, 80, 60), (3000, 3)).astype(np.float32)
    once = project(PointCloud(xyz_mm=points), camera())
    again = project(PointCloud(xyz_mm=rng.permutation(points)), camera())
    np.testing.assert_array_equal(once, again)


@pytest.mark.parametrize("grid", [None, (2, 2)])
def test_a_cloud_with_a_camera_is_judged_on_its_picture(grid: tuple[int, int] | None) -> None:
    points = np.array([[0, 0, 500], [5, 0, 500], [0, 5, 500], [5, 5, 500]], np.float32)
    depth = cloud_depth_mm(PointCloud(xyz_mm=points, grid=grid, camera=camera()))
    assert depth.shape == (60, 80)
    assert np.argwhere(np.isfinite(depth)).tolist() == [[30, 40], [30, 41], [31, 40], [31, 41]]
