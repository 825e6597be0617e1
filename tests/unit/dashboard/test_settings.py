"""The configuration file and the command line."""

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from dashboard.__main__ import app
from dashboard.keys import KeyRing, Principal, Role
from dashboard.settings import load_settings
from wire.errors import ConfigurationError

LEAST = {"database": "sqlite:///x.db", "objects": "file:///tmp/x", "broker": {"bootstrap": "127.0.0.1:9092"}}


def written(folder: Path, **changes: object) -> Path:
    path = folder / "dashboard.yaml"
    path.write_text(yaml.safe_dump(LEAST | changes))
    return path


def test_three_settings_are_enough_and_the_rest_is_safe(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path))
    assert (settings.host, settings.port, settings.keys_file, settings.pages) == ("127.0.0.1", 8080, None, True)


def test_the_database_url_is_a_secret(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, database="postgresql://ls:hunter2@db/ls"))
    assert "hunter2" not in repr(settings)


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINESIDE_PORT", "8181")
    monkeypatch.setenv("LINESIDE_BROKER__BOOTSTRAP", "kafka:9092")
    settings = load_settings(written(tmp_path))
    assert (settings.port, settings.broker.bootstrap) == (8181, "kafka:9092")


def test_every_wrong_key_is_named_at_once_with_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, port=99999, hosts="x", poll_s=0)
    with pytest.raises(ConfigurationError) as caught:
        load_settings(path)
    assert sorted(caught.value.problems) == [
        f"{path}: hosts: Extra inputs are not permitted; remove it, or correct its spelling",
        f"{path}: poll_s = 0: Input should be greater than or equal to 0.1",
        f"{path}: port = 99999: Input should be less than or equal to 65535",
    ]


@pytest.mark.parametrize(
    ("content", "problem"), [("[", "not YAML"), ("- 1", "holds no keys"), (None, "cannot be read")]
)
def test_an_unreadable_file_is_named(tmp_path: Path, content: str | None, problem: str) -> None:
    path = tmp_path / "dashboard.yaml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match=problem):
        load_settings(path)


def test_check_says_what_is_wrong_and_ends_with_a_code_of_its_own(tmp_path: Path) -> None:
    good = CliRunner().invoke(app, ["--config", str(written(tmp_path)), "--check"])
    assert (good.exit_code, good.output) == (0, "")
    bad = CliRunner().invoke(app, ["--config", str(written(tmp_path, port="many")), "--check"])
    assert bad.exit_code == 78
    assert "port = 'many': Input should be a valid integer" in bad.output


def test_check_finds_an_open_address_without_keys(tmp_path: Path) -> None:
    bad = CliRunner().invoke(app, ["--config", str(written(tmp_path, host="0.0.0.0")), "--check"])
    assert bad.exit_code == 78
    assert "there are no API keys" in bad.output


def test_a_made_key_opens_the_door_that_its_lines_describe(tmp_path: Path) -> None:
    made = CliRunner().invoke(app, ["key", "--name", "line-3-panel", "--role", "operator"])
    path = tmp_path / "keys.yaml"
    path.write_text(made.output)
    secret = made.output.splitlines()[0].rpartition(" ")[2]
    assert KeyRing.read(path).identify(secret) == Principal(name="line-3-panel", role=Role.OPERATOR)
    assert KeyRing.read(path).identify(f"{secret}x") is None
