import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.text import Text
from typer.main import get_command

import lineside.cli
from lineside.cli import build_app


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command as a person does; its environment tells no site."""
    return subprocess.run(
        [sys.executable, "-m", "lineside", *arguments],
        capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin", "COLUMNS": "200"},
        cwd=Path(lineside.cli.__file__).parents[1],
    )  # fmt: skip


def test_help_names_the_commands_by_purpose_and_loads_no_heavy_room() -> None:
    script = "import sys; from lineside.cli import build_app; build_app(); print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()

    assert not {"torch", "sqlalchemy", "faust", "asyncua", "cv2", "numpy", "confluent_kafka"} & set(loaded)
    text = run("--help").stdout
    assert text.index("Run") < text.index("Look") < text.index("Operate") < text.index("Keep in order")


RUNNING = ("up", "worker", "dashboard", "broker", "plant", "evaluate")
OPERATING = ("history", "ledger", "state", "dlq", "migrate", "topics", "retention", "weights", "screenshot", "size",
             "register", "settings", "backup", "restore")  # fmt: skip


@pytest.mark.parametrize("command", RUNNING + OPERATING)
def test_every_command_explains_itself(command: str) -> None:
    answer = run(command, "--help")

    assert answer.returncode == 0, answer.stderr
    assert "Usage: " in answer.stdout


def _helps(command: Any, name: str) -> Iterator[tuple[str, str]]:
    yield name, command.help or ""
    for parameter in command.params:
        yield f"{name} {parameter.name}", getattr(parameter, "help", None) or ""
    for each, inner in getattr(command, "commands", {}).items():
        yield from _helps(inner, f"{name} {each}")


def test_nothing_in_a_help_text_is_taken_for_markup_and_left_out() -> None:
    helps = list(_helps(get_command(build_app()), "lineside"))
    assert len(helps) > 200
    assert [name for name, text in helps if Text.from_markup(text).plain != text] == []


def test_all_mistakes_of_up_are_told_at_once_without_a_traceback(tmp_path: Path) -> None:
    answer = run(
        "up", "--source", tmp_path / "nowhere", "--faults", "earthquake=1", "--broker", "kafka", "--data-dir", tmp_path,
        "--summary", tmp_path / "no" / "s.json",
    )  # fmt: skip

    assert answer.returncode == 2
    assert "Traceback" not in answer.stderr
    problems = [line for line in answer.stderr.splitlines() if line.startswith("error: ")]
    assert len(problems) == 4
    assert f"--source: {tmp_path / 'nowhere'} does not exist" in problems[0]
    assert "'earthquake' is not a fault" in problems[1]
    assert f"--summary: the folder {tmp_path / 'no'} does not exist" in problems[2]
    assert "--broker: 'kafka' is neither `embedded` nor HOST:PORT" in problems[3]


def test_a_command_without_a_site_says_how_to_name_one(tmp_path: Path) -> None:
    answer = run("ledger", "--data-dir", tmp_path)

    assert answer.returncode == 2
    assert "no `lineside up` ran there" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_wrong_settings_file_names_file_key_and_value(tmp_path: Path) -> None:
    path = tmp_path / "plant.yaml"
    path.write_text("lines: []\ntruth: t.jsonl\nrate_hz: -1\ncolour: red\n")

    answer = run("plant", "run", "--config", path)

    assert answer.returncode == 2
    assert f"{path}: rate_hz = -1: Input should be greater than 0" in answer.stderr
    assert f"{path}: colour: Extra inputs are not permitted" in answer.stderr
    assert f"{path}: opcua: Field required" in answer.stderr


def faults_that_are_refused(folder: Path, *arguments: str, environment: dict[str, str] | None = None) -> str:
    answer = subprocess.run(
        [sys.executable, "-m", "lineside", "up", "--data-dir", folder, "--port", "0", *arguments],
        capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin", **(environment or {})},
        cwd=Path(lineside.cli.__file__).parents[1],
    )  # fmt: skip
    assert answer.returncode == 2, answer.stderr
    return answer.stderr


def test_options_of_up_come_from_a_file_a_variable_or_a_flag_and_the_later_wins(tmp_path: Path) -> None:
    file = tmp_path / "up.yaml"
    file.write_text("faults: of_the_file=1\nlearning-parts: 6\n")
    variable = {"LINESIDE_UP_FAULTS": "of_the_variable=1"}
    assert "'of_the_file' is not a fault" in faults_that_are_refused(tmp_path, "--config", str(file))
    assert "'of_the_variable'" in faults_that_are_refused(tmp_path, "--config", str(file), environment=variable)
    flag = ("--config", str(file), "--faults", "of_the_flag=1")
    assert "'of_the_flag'" in faults_that_are_refused(tmp_path, *flag, environment=variable)
    file.write_text("colour: red\n")
    refused = faults_that_are_refused(tmp_path, "--config", str(file))
    assert f"{file}: colour: no option of" in refused
