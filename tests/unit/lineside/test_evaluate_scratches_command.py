"""``lineside evaluate-scratches``: scratches of 2 px on wide pictures, and what the command refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.slow
@pytest.mark.timeout(300)  # a dozen pictures of a megapixel, on cores that others use
def test_a_scratch_of_two_pixels_on_a_camera_of_4000_px_is_found(run: Run, tmp_path: Path) -> None:
    """The command in short: above all that a good part shows, flagged, and without a memory the highest place."""
    code, out, err = run(
        "evaluate-scratches", "--families", "cast", "--height", "256", "--shapes", "1", "--visibilities", "8",
        "--references", "5", "--fresh", "1", "--seed", "6", "--threads", "1", "--json", tmp_path / "found.json",
    )  # fmt: skip
    assert code == 0, err
    assert "visibility" in out
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
        code, out, err = run("evaluate-scratches", *arguments)
        assert (code, out) == (2, "")
        assert reason in err
