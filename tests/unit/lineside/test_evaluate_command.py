import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.models.evaluate.drawn_sets import plain

Run = Callable[..., tuple[int, str, str]]
# A shell that starts tests in the background lets them ignore Ctrl-C, and they pass that on; a person's shell does not.
_LIKE_A_TERMINAL = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from lineside.cli import main
sys.argv[0] = "lineside"
main()
"""


def test_figures_go_to_the_terminal_the_file_and_the_page(run: Run, tmp_path: Path) -> None:
    root = plain(tmp_path / "set")
    (root / "dataset.yaml").write_text("classes: 'images/([a-z]+)_'\ngroup: 'part_(\\d+)'\n")

    code, out, err = run("evaluate", "--recipe", "blur", "--dataset", root, "--shots", "0", "--resolution", "64",
                         "--json", tmp_path / "figures.json", "--report", tmp_path / "report")  # fmt: skip

    assert code == 0, err
    assert "set/dent" in out
    assert "pixel AUROC" in out
    document = json.loads((tmp_path / "figures.json").read_text())
    assert document["conditions"]["group"] == r"part_(\d+)"
    assert (tmp_path / "report" / "index.html").is_file()

    code, out, err = run(
        "evaluate", "compare", tmp_path / "figures.json", tmp_path / "report" / "evaluation.json", "--json"
    )
    assert code == 0, err
    assert json.loads(out)[0]["figures"][0]["test"]["mean"] == 0.0
    code, out, _ = run("evaluate", "compare", tmp_path / "figures.json", tmp_path / "figures.json")
    assert "sign test p" in out


def test_all_baselines_stand_in_one_table_once_each(run: Run, tmp_path: Path) -> None:
    code, out, err = run("evaluate", "--recipe", "filter_bank", "--baselines", "all", "--shots", "0,1", "--draws", "1",
                         "--dataset", plain(tmp_path / "set"), "--resolution", "64", "--images-per-kind", "2",
                         "--json", tmp_path / "figures.json")  # fmt: skip
    assert code == 0, err
    detectors = json.loads((tmp_path / "figures.json").read_text())["detectors"]
    assert [each["name"] for each in detectors] == ["filter_bank", "blur", "untrained_resnet18"]
    assert all(name in out for name in ("filter_bank", "blur", "untrained_resnet18"))


def test_mistakes_are_told_before_anything_runs(run: Run, tmp_path: Path) -> None:
    for arguments, reason in (
        ([], "--dataset DIR is missing"),
        (["--dataset", tmp_path / "nowhere"], "is not a folder"),
        (["--dataset", tmp_path], "has no known layout"),
        (["--dataset", tmp_path, "--shots", "few"], "--shots: 'few' is no list of numbers"),
        (["--dataset", tmp_path, "--group", "num"], "group: Value error, the pattern has no (group)"),
        (["--dataset", tmp_path, "--json", tmp_path / "no" / "f.json"], "no does not exist"),
        (["--dataset", plain(tmp_path / "set"), "--recipe", "nothing"], "recipe 'nothing'"),
    ):
        code, out, err = run("evaluate", *arguments)
        assert (code, out) == (2, "")
        assert reason in err


@pytest.mark.slow
def test_an_interruption_ends_at_once_without_a_traceback_or_half_a_file(tmp_path: Path) -> None:
    root, figures = plain(tmp_path / "set", good=60, each=60), tmp_path / "figures.json"
    process = subprocess.Popen(
        [sys.executable, "-c", _LIKE_A_TERMINAL, "evaluate", "--recipe", "blur", "--dataset", root, "--shots", "0",
         "--json", figures],
        stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    assert process.stderr is not None
    assert "reading the data set" in process.stderr.readline()

    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "Traceback" not in rest
    assert not figures.exists()


def test_variants_of_a_recipe_are_measured_and_compared_in_one_call(run: Run, tmp_path: Path) -> None:
    root = plain(tmp_path / "set")
    code, out, err = run("evaluate", "--recipe", "spgdd", "--backbone", "tiny-clip", "--set", "memory.rotations=1",
                         "--vary", "memory.match=aligned,nearest", "--dataset", root, "--shots", "1", "--draws", "1",
                         "--resolution", "48", "--json", tmp_path / "figures.json")  # fmt: skip
    assert code == 0, err
    found = [each["name"] for each in json.loads((tmp_path / "figures.json").read_text())["detectors"]]
    base = "spgdd(memory.rotations=1, backbone.name=tiny-clip"
    assert found == [f"{base})", f"{base}, memory.match=aligned)", f"{base}, memory.match=nearest)"]
    assert "Variants of spgdd" in out
    code, _, err = run("evaluate", "--recipe", "spgdd", "--set", "memory.match", "--dataset", root)
    assert code != 0
    assert "--set 'memory.match': expected KEY=VALUE" in err
    code, _, err = run("evaluate", "--recipe", "spgdd", "--weights", tmp_path / "absent.pt", "--dataset", root)
    assert code != 0
    assert "absent.pt: no such file; weights" in err
