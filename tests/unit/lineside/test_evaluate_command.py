import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.unit.lineside.test_cli import run
from tests.unit.models.evaluate.drawn_sets import plain


def test_figures_go_to_the_terminal_the_file_and_the_page(tmp_path: Path) -> None:
    root = plain(tmp_path / "set")
    (root / "dataset.yaml").write_text("classes: 'images/([a-z]+)_'\ngroup: 'part_(\\d+)'\n")

    answer = run("evaluate", "--recipe", "blur", "--dataset", root, "--shots", "0", "--resolution", "64",
                 "--json", tmp_path / "figures.json", "--report", tmp_path / "report")  # fmt: skip

    assert answer.returncode == 0, answer.stderr
    assert "set/dent" in answer.stdout
    assert "pixel AUROC" in answer.stdout
    document = json.loads((tmp_path / "figures.json").read_text())
    assert document["conditions"]["group"] == r"part_(\d+)"
    assert (tmp_path / "report" / "index.html").is_file()

    compared = run("evaluate", "compare", tmp_path / "figures.json", tmp_path / "report" / "evaluation.json", "--json")
    assert compared.returncode == 0, compared.stderr
    assert json.loads(compared.stdout)[0]["figures"][0]["test"]["mean"] == 0.0


def test_mistakes_are_told_before_anything_runs(tmp_path: Path) -> None:
    for arguments, reason in (
        ([], "--dataset DIR is missing"),
        (["--dataset", tmp_path / "nowhere"], "is not a folder"),
        (["--dataset", tmp_path], "has no known layout"),
        (["--dataset", tmp_path, "--shots", "few"], "--shots: 'few' is no list of numbers"),
        (["--dataset", tmp_path, "--json", tmp_path / "no" / "f.json"], "no does not exist"),
        (["--dataset", plain(tmp_path / "set"), "--recipe", "nothing"], "recipe 'nothing'"),
    ):
        answer = run("evaluate", *arguments)
        assert answer.returncode == 2, answer.stdout
        assert reason in answer.stderr
        assert "Traceback" not in answer.stderr


def test_an_interruption_ends_at_once_without_a_traceback_or_half_a_file(tmp_path: Path) -> None:
    root, figures = plain(tmp_path / "set", good=60, each=60), tmp_path / "figures.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "lineside", "evaluate", "--recipe", "blur", "--dataset", root, "--shots", "0", "--json",
         figures],
        stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    assert process.stderr is not None
    assert "reading the data set" in process.stderr.readline()

    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)

    assert process.returncode not in (0, -signal.SIGINT)
    assert "Traceback" not in rest
    assert not figures.exists()
