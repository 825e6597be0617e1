"""The benchmarks of the edge: small, but with a real camera and a real disk."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from lineside.bench.camera import CameraScale, bench_camera, fake_camera
from lineside.bench.spool import SpoolScale, bench_spool
from lineside.commands.bench import app as bench
from tests.components.genicam_camera import gige_vision_port
from tests.components.requirement import require

pytestmark = [pytest.mark.slow]


def test_frames_and_memory_of_a_camera_are_measured_on_both_sides(tmp_path: Path) -> None:
    require("aravis")
    with gige_vision_port(), fake_camera() as address:
        frames, memory = bench_camera(
            tmp_path, address, 20, CameraScale(repetitions=1, seconds=1.0, memory_s=1.0)
        )  # fmt: skip
    assert (frames.name, frames.unit, frames.aim) == ("camera, frames", "frames/s", 0.95)
    assert all(5 < rate <= 22 for rate in (*frames.product, *frames.baseline))
    assert (memory.name, memory.aim) == ("camera, memory", 1.05)
    assert 0.5 < memory.ratio < 1.5


def test_a_folder_that_is_not_there_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    result = CliRunner().invoke(bench, ["spool", "--quick", "--folder", str(tmp_path / "nowhere")])
    assert result.exit_code == 2


def test_the_spool_is_measured_writing_and_draining(tmp_path: Path) -> None:
    write, drain = bench_spool(tmp_path, SpoolScale(repetitions=2, total_bytes=9_000_000))
    assert (write.name, drain.name) == ("spool, write", "spool, drain")
    assert write.baseline == drain.baseline
    assert write.aim == drain.aim == 0.7
    assert all(rate > 0 for rate in (*write.product, *drain.product, *write.baseline))
    assert not list(tmp_path.rglob("*.seg"))  # what was drained is gone
