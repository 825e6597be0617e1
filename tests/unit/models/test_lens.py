"""Distortion worked by hand, and against OpenCV's own."""

import cv2
import numpy as np
import pytest

from models.backbones.cloud_projection import project
from models.backbones.lens import distorted
from wire.part import PointCloud
from wire.pinhole_camera import PinholeCamera

# r² = 0.01 + 0.04 = 0.05, r⁴ = 0.0025, r⁶ = 0.000125
X, Y = np.array([0.1]), np.array([-0.2])


@pytest.mark.parametrize(
    ("coefficients", "u", "v"),
    [
        ((0, 0, 0, 0, 0), 0.1, -0.2),
        ((0.2, 0, 0, 0, 0), 0.101, -0.202),  # times 1 + 0.2 * 0.05 = 1.01
        ((0, -0.4, 0, 0, 0), 0.0999, -0.1998),  # times 1 - 0.4 * 0.0025 = 0.999
        ((0, 0, 0, 0, 8.0), 0.1001, -0.2002),  # times 1 + 8 * 0.000125 = 1.001
        ((0, 0, 0.01, 0, 0), 0.0996, -0.1987),  # + 2 * 0.01 * -0.02, + 0.01 * (0.05 + 0.08)
        ((0, 0, 0, 0.02, 0), 0.1014, -0.2008),  # + 0.02 * (0.05 + 0.02), + 2 * 0.02 * -0.02
    ],
)
def test_each_coefficient_moves_a_ray_as_worked_by_hand(coefficients: tuple[float, ...], u: float, v: float) -> None:
    found = distorted(X, Y, coefficients)
    np.testing.assert_allclose([found[0][0], found[1][0]], [u, v], atol=1e-12)


def test_all_of_them_together_are_opencvs() -> None:
    rng = np.random.default_rng(3)
    points = np.stack([*rng.uniform(-0.5, 0.5, (2, 200)), np.ones(200)], axis=1)
    coefficients = (-0.28, 0.09, 0.0011, -0.0007, -0.012)
    expected, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), np.eye(3), np.array(coefficients))
    found = np.stack(distorted(points[:, 0], points[:, 1], coefficients), axis=1)
    np.testing.assert_allclose(found, expected[:, 0], atol=1e-12)


def test_a_ray_beyond_the_turning_point_is_not_folded_into_the_picture() -> None:
    # 1 + 3 k1 r² = 0 at r² = 1/0.9: farther out, r (1 - 0.3 r²) falls again and is 0 at r = 1.826
    found, _ = distorted(np.array([1.0, 1.05, 1.06, 1.8]), np.zeros(4), (-0.3, 0, 0, 0, 0))
    np.testing.assert_allclose(found, [0.7, 1.05 * (1 - 0.3 * 1.1025), np.nan, np.nan], atol=1e-12)


def test_a_cloud_lies_where_the_lens_puts_it() -> None:
    camera = PinholeCamera(
        fx_px=1000, fy_px=2000, cx_px=10, cy_px=500, width=200, height=300,
        sensor_to_camera=(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0), distortion=(0.2, -0.4, 0.01, 0.02, 8.0),
    )  # fmt: skip
    # x: 0.1 * 1.010 - 0.0004 + 0.0014 = 0.102; y: -0.2 * 1.010 + 0.0013 - 0.0008 = -0.2015
    depth = project(PointCloud(xyz_mm=np.array([[50, -100, 500]], np.float32)), camera)
    assert np.argwhere(np.isfinite(depth)).tolist() == [[97, 112]]
