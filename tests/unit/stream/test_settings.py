"""Settings of a worker."""

from pathlib import Path

import pytest

from stream.settings import Role, WorkerSettings, load_settings
from wire.errors import ConfigurationError

GOOD = """
roles: [inspect, store]
broker: {bootstrap: "127.0.0.1:9092"}
database: postgresql://u:secret@db/lineside
objects: s3://bucket/prefix
inspect: {max_batch: 4}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "worker.yaml"
    path.write_text(text)
    return path


def test_file_is_read(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, GOOD))
    assert settings.roles == (Role.INSPECT, Role.STORE)
    assert settings.inspect.max_batch == 4
    assert "secret" not in repr(settings)


def test_roles_of_the_command_line_win(tmp_path: Path) -> None:
    assert load_settings(write(tmp_path, GOOD), ["build"]).roles == (Role.BUILD,)


def test_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINESIDE_INSPECT__MAX_BATCH", "16")
    monkeypatch.setenv("LINESIDE_ROLES", "store,describe")
    settings = load_settings(write(tmp_path, GOOD))
    assert settings.inspect.max_batch == 16
    assert settings.roles == (Role.STORE, Role.DESCRIBE)


def test_environment_alone_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINESIDE_BROKER__BOOTSTRAP", "kafka:9092")
    monkeypatch.setenv("LINESIDE_DATABASE", "sqlite:///x")
    monkeypatch.setenv("LINESIDE_OBJECTS", "file:///x")
    assert load_settings(None, ["inspect"]).broker.bootstrap == "kafka:9092"


def test_every_mistake_is_named_with_file_and_key(tmp_path: Path) -> None:
    path = write(tmp_path, "roles: [sleep]\nbroker: {bootstrap: here}\nobjects: x\ncolour: red\n")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(path)
    problems = "\n".join(caught.value.problems)
    for key in ("roles.0 = 'sleep'", "broker.bootstrap = 'here'", "database", "colour"):
        assert f"{path}: {key}: " in problems


@pytest.mark.parametrize(
    ("text", "message"),
    [("- a list", "holds no keys"), ("a: [", "is not YAML"), (None, "cannot be read")],
)
def test_file_that_is_no_configuration_is_refused(tmp_path: Path, text: str | None, message: str) -> None:
    path = tmp_path / "worker.yaml" if text is None else write(tmp_path, text)
    with pytest.raises(ConfigurationError, match=message):
        load_settings(path)


def test_unknown_role_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError,
        match=r"--set roles: roles\.0 = 'sleep': Input should be 'inspect', 'store', 'describe' or 'build'",
    ):
        load_settings(write(tmp_path, GOOD), ["sleep"])


def test_settings_do_not_change() -> None:
    assert WorkerSettings.model_config["frozen"]
