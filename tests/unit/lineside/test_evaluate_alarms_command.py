"""``lineside evaluate-alarms``: on drawn lines and on a folder, and what it refuses."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lineside.cli import main
from tests.unit.models.evaluate.drawn_sets import plain

Run = Callable[..., tuple[int, str, str]]
FEW = ("--references", "2", "--rate", "0.4", "--max-vectors", "64", "--threads", "1")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command in this process, which imports torch once: (exit code, output, errors)."""

    def run_here(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["lineside", "evaluate-alarms", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run_here


def test_drawn_lines_are_counted_by_family_into_table_file_and_page(run: Run, tmp_path: Path) -> None:
    code, out, err = run("--families", "brushed, nut", "--lines", "1", "--fresh", "3", "--side-px", "48", "--no-drift",
                         "--json", tmp_path / "counts.json", "--report", tmp_path / "page", *FEW)  # fmt: skip
    assert code == 0, err
    assert all(name in out for name in ("brushed", "nut", "as taken", "95 % if kept"))
    found = json.loads((tmp_path / "counts.json").read_text())
    counts = found["counts"]
    assert [each["name"] for each in found["memories"]] == ["brushed, line 0", "nut, line 0"]
    assert found["outside"]["memories"] == 2
    assert "Of 2 memories" in out
    assert [(each["group"], each["references"], each["parts"]) for each in counts] == [("brushed", 2, 3), ("nut", 2, 3)]
    assert "brushed" in (tmp_path / "page" / "index.html").read_text()


def test_good_images_of_a_folder_are_judged_in_drifting_light(run: Run, tmp_path: Path) -> None:
    code, out, err = run("--dataset", plain(tmp_path / "set", good=5), "--draws", "1", *FEW, "--rate", "0.05")
    assert code == 0, err
    assert "exposure +20 %" in out
    assert "5.00% is less than 2 references can show (1 in 3): extrapolated." in out


def test_mistakes_are_told_before_anything_runs(run: Run, tmp_path: Path) -> None:
    for arguments, reason in (
        ([], "give either --dataset DIR or --families all"),
        (["--dataset", tmp_path, "--families", "all"], "give either --dataset DIR or --families all"),
        (["--families", "brushed,tin"], "--families: 'tin' is none of all, brushed"),
        (["--families", "photograph"], "--families photograph: needs --photos DIR"),
        (["--families", "all", "--json", tmp_path / "no" / "f.json"], "no does not exist"),
    ):
        code, out, err = run(*arguments)
        assert (code, out) == (2, "")
        assert reason in err
