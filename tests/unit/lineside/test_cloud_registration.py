"""A sensor that was turned and shifted is found again, and its calibration follows."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray
from typer.testing import CliRunner

from connectors.calibration import CameraCalibration
from lineside.cli import build_app
from lineside.cloud_registration import register
from tests.components.requirement import require
from wire.errors import ConfigurationError

pytestmark = [pytest.mark.slow]

# A quarter of a right angle about z and a little about x, and a shift: from the new stand to the old one.
ANGLE, TILT = np.radians(22.5), np.radians(5)
ABOUT_Z = np.array([[np.cos(ANGLE), -np.sin(ANGLE), 0], [np.sin(ANGLE), np.cos(ANGLE), 0], [0, 0, 1]])
ABOUT_X = np.array([[1, 0, 0], [0, np.cos(TILT), -np.sin(TILT)], [0, np.sin(TILT), np.cos(TILT)]])
TURN, SHIFT = ABOUT_Z @ ABOUT_X, np.array([12.0, -7.0, 3.5])


def bracket(seed: int) -> NDArray[np.float32]:
    """A plate of 80 x 50 mm with walls on two sides, a block on it, and a hole: nothing about it is symmetric.

    Its surfaces face three directions; along one that nothing faces, no cloud could be laid exactly.
    """
    rng = np.random.default_rng(seed)
    plate = np.column_stack([rng.uniform(0, 80, 9000), rng.uniform(0, 50, 9000), np.zeros(9000)])
    plate = plate[np.hypot(plate[:, 0] - 55, plate[:, 1] - 30) > 9]
    wall = np.column_stack([np.zeros(4000), rng.uniform(0, 50, 4000), rng.uniform(0, 30, 4000)])
    side = np.column_stack([rng.uniform(0, 80, 3000), np.zeros(3000), rng.uniform(0, 14, 3000)])
    block = np.column_stack([rng.uniform(15, 30, 2000), rng.uniform(5, 20, 2000), np.full(2000, 12.0)])
    points = np.concatenate([plate, wall, side, block]) + np.array([-40, -25, 400])
    return (points + rng.normal(0, 0.05, points.shape)).astype(np.float32)


def seen_anew(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same from the new stand: p = R q + t, so q = Rᵀ (p - t)."""
    return ((points - SHIFT) @ TURN).astype(np.float32)


@pytest.fixture(autouse=True)
def _open3d() -> None:
    require("open3d")


def test_a_turned_and_shifted_cloud_is_laid_onto_its_reference() -> None:
    found = register(seen_anew(bracket(1)), bracket(2), voxel_mm=2.0)
    np.testing.assert_allclose(found.new_to_reference[:3, :3], TURN, atol=0.003)
    moved = bracket(3)[::50]
    there = seen_anew(moved) @ found.new_to_reference[:3, :3].T + found.new_to_reference[:3, 3]
    assert np.abs(there - moved).max() < 0.3
    assert found.fitness > 0.9
    # cos(turn) = (trace - 1) / 2, of the two rotations together
    assert found.turn_deg == pytest.approx(np.degrees(np.arccos((np.trace(TURN) - 1) / 2)), abs=0.2)


def test_a_voxel_that_leaves_too_few_points_is_named() -> None:
    with pytest.raises(ConfigurationError) as wrong:
        register(bracket(1), bracket(2), voxel_mm=500.0)
    assert "points remain with --voxel-mm 500; it takes 100 to 50000: choose a smaller one" in wrong.value.problems[0]


def test_the_command_prints_the_calibration_that_holds_from_now_on(tmp_path: Path) -> None:
    for name, points in (("new", seen_anew(bracket(1))), ("old", bracket(2))):
        np.savetxt(tmp_path / f"{name}.xyz", points, fmt="%.4f")
    calibration = tmp_path / "calibration.yaml"
    first = {
        "version": "1", "valid_from": "2020-01-01T00:00:00Z", "fx_px": 900, "fy_px": 900, "cx_px": 320, "cy_px": 240,
        "width": 640, "height": 480, "rotation": [0, -1, 0, 1, 0, 0, 0, 0, 1], "translation_mm": [5, 6, 7],
    }  # fmt: skip
    calibration.write_text(yaml.safe_dump({"versions": [first]}))
    arguments = ["register", str(tmp_path / "new.xyz"), str(tmp_path / "old.xyz"), "--calibration", str(calibration)]
    result = CliRunner().invoke(build_app(), [*arguments, "--version", "2"])
    assert result.exit_code == 0, result.output
    old, new = CameraCalibration(versions=(first, *yaml.safe_load(result.output))).versions  # type: ignore[arg-type]
    assert (new.version, new.fx_px, new.height) == ("2", 900, 480)
    point = np.array([10.0, -20.0, 410.0])  # in the old stand's frame
    expected = np.array(old.rotation).reshape(3, 3) @ point + old.translation_mm
    found = np.array(new.rotation).reshape(3, 3) @ (TURN.T @ (point - SHIFT)) + new.translation_mm
    np.testing.assert_allclose(found, expected, atol=0.3)


def test_clouds_of_different_things_do_not_fit(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    np.savetxt(tmp_path / "ball.xyz", 60 * (ball := rng.normal(size=(5000, 3))) / np.linalg.norm(ball, axis=1)[:, None])
    np.savetxt(tmp_path / "bracket.xyz", bracket(1))
    result = CliRunner().invoke(build_app(), ["register", str(tmp_path / "ball.xyz"), str(tmp_path / "bracket.xyz")])
    assert result.exit_code == 1
    assert "the clouds do not fit" in result.output
