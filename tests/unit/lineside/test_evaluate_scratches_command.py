"""``lineside evaluate-scratches``: scratches of 2 px on wide pictures, and what the command refuses."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lineside.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command in this process, which imports torch once: (exit code, output, errors)."""

    def run_here(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["lineside", "evaluate-scratches", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run_here


@pytest.mark.slow
@pytest.mark.timeout(300)  # a dozen pictures of a megapixel, on cores that others use
def test_a_scratch_of_two_pixels_on_a_camera_of_4000_px_is_found(run: Run, tmp_path: Path) -> None:
    """The command in short: above all that a good part shows, flagged, and without a memory the highest place."""
    code, out, err = run(
        "--families", "cast", "--height", "256", "--shapes", "1", "--visibilities", "8", "--references", "5",
        "--fresh", "1", "--seed", "6", "--threads", "1", "--json", tmp_path / "found.json",
    )  # fmt: skip
    assert code == 0, err
    assert "above good parts, 4000 x 256" in out
    (scratch,) = json.loads((tmp_path / "found.json").read_text())
    assert 1 < scratch["width_px"] <= 2.6
    assert scratch["above_large"]
    assert scratch["above_small"]
    assert scratch["flagged_large"]
    assert scratch["top_alone"]


def test_mistakes_are_told_before_anything_runs(run: Run, tmp_path: Path) -> None:
    for arguments, reason in (
        (["--families", "cast,tin"], "--families: 'tin' is none of brushed"),
        (["--visibilities", "4,x"], "--visibilities: '4,x' is no list of numbers"),
        (["--json", tmp_path / "no" / "f.json"], "no does not exist"),
    ):
        code, out, err = run(*arguments)
        assert (code, out) == (2, "")
        assert reason in err
