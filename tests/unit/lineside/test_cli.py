import subprocess
import sys
from pathlib import Path

import pytest

import lineside.cli


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
OPERATING = ("history", "ledger", "state", "dlq", "migrate", "topics", "retention", "weights", "screenshot")


@pytest.mark.parametrize("command", RUNNING + OPERATING)
def test_every_command_explains_itself(command: str) -> None:
    answer = run(command, "--help")

    assert answer.returncode == 0, answer.stderr
    assert "Usage: " in answer.stdout


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
