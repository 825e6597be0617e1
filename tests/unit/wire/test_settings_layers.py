"""Flags over environment over file over defaults, and who said what."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from wire.effective_settings import effective_settings
from wire.errors import ConfigurationError
from wire.kafka.settings import KafkaSettings
from wire.settings_layers import load_layers


class Limits(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    max_batch: int = Field(default=8, ge=1, description="parts in one call")
    idle_s: float = 3.0


class Process(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    broker: KafkaSettings
    database: SecretStr
    objects: str = "file:///srv/objects"
    hosts: tuple[str, ...] = ()
    limits: Limits = Limits()
    spare: Limits | None = None


FILE = """
broker: {bootstrap: "kafka:9092", options: {sasl.username: lineside, sasl.password: from-the-file}}
database: postgresql://u:secret@db/lineside
limits: {max_batch: 4, idle_s: 2}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "process.yaml"
    path.write_text(FILE)
    return path


def test_a_flag_wins_over_the_environment_this_over_the_file_and_this_over_the_default(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_layers(Process, file).settings.limits == Limits(max_batch=4, idle_s=2)
    monkeypatch.setenv("LINESIDE_LIMITS__MAX_BATCH", "16")
    assert load_layers(Process, file).settings.limits == Limits(max_batch=16, idle_s=2)
    assert load_layers(Process, file, ["limits.max_batch=32"]).settings.limits == Limits(max_batch=32, idle_s=2)
    assert load_layers(Process, file).settings.spare is None


def test_every_value_says_who_said_it_and_no_secret_is_shown(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINESIDE_BROKER__OPTIONS__SASL.PASSWORD", "from-the-environment")
    monkeypatch.setenv("LINESIDE_OBJECTS", "https://key:hush@store.example/bucket")
    loaded = load_layers(Process, file, ["hosts=[a, b]", "spare.max_batch=2"])
    assert loaded.settings.broker.options["sasl.password"].get_secret_value() == "from-the-environment"
    shown = {one.key: (one.value, one.origin) for one in effective_settings(loaded)}
    mask = "********"
    assert shown == {
        "broker.bootstrap": ("kafka:9092", str(file)),
        "broker.embedded": (False, "default"),
        "broker.options.sasl.username": (mask, str(file)),
        "broker.options.sasl.password": (mask, "LINESIDE_BROKER__OPTIONS__SASL.PASSWORD"),
        "database": (mask, str(file)),
        "objects": (f"https://{mask}@store.example/bucket", "LINESIDE_OBJECTS"),
        "hosts": (["a", "b"], "--set hosts"),
        "limits.max_batch": (4, str(file)),
        "limits.idle_s": (2.0, str(file)),
        "spare.max_batch": (2, "--set spare.max_batch"),
        "spare.idle_s": (3.0, "default"),
    }
    (batch,) = [one for one in effective_settings(loaded) if one.key == "limits.max_batch"]
    assert (batch.variable, batch.meaning) == ("LINESIDE_LIMITS__MAX_BATCH", "parts in one call")


def test_everything_that_is_wrong_is_said_at_once_with_its_origin(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("broker: {bootstrap: here}\ncolour: red\n")
    monkeypatch.setenv("LINESIDE_LIMITS__MAX_BATCH", "none")
    monkeypatch.setenv("LINESIDE_LIMITS__MAXBATCH", "4")
    with pytest.raises(ConfigurationError) as caught:
        load_layers(Process, file, ["limits.idle_s=soon"])
    assert sorted(problem.split(": ")[:2] for problem in caught.value.problems) == sorted([
        [str(file), "broker.bootstrap = 'here'"],
        [str(file), "database"],
        [str(file), "colour"],
        ["LINESIDE_LIMITS__MAX_BATCH", "limits.max_batch = 'none'"],
        ["LINESIDE_LIMITS__MAXBATCH", "limits.maxbatch"],
        ["--set limits.idle_s", "limits.idle_s = 'soon'"],
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("flag", "problem"),
    [("limits", "--set limits: write KEY=VALUE"), ("hosts=[", r"--set hosts: '\[' is not YAML; put it in quotes")],
)
def test_a_flag_that_is_none_is_refused(file: Path, flag: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        load_layers(Process, file, [flag])


def test_a_list_in_the_environment_is_json(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINESIDE_HOSTS", "a,b")
    with pytest.raises(ConfigurationError, match=r"environment: .*hosts.*write it as JSON"):
        load_layers(Process, file)
    monkeypatch.setenv("LINESIDE_HOSTS", '["a", "b"]')
    assert load_layers(Process, file).settings.hosts == ("a", "b")
