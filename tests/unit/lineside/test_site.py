from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer

from lineside.cli import build_app
from lineside.commands.up_settings import up_settings
from lineside.data_folder import DataFolder
from lineside.moments import parse_moment
from lineside.site import Site, SiteFile
from wire.effective_settings import effective_settings
from wire.errors import ConfigurationError
from wire.kafka.settings import KafkaSettings
from wire.process_settings import ProcessSettings
from wire.settings_layers import load_layers

NOW = datetime(2026, 5, 2, 12, 0, tzinfo=UTC)


def site_file(**changes: object) -> SiteFile:
    fields = {"started_at": NOW, "bootstrap": "127.0.0.1:9092", "embedded": False, "database": "sqlite:////x/a.db",
              "objects": "file:///x/objects"}  # fmt: skip
    return SiteFile.model_validate({**fields, **changes})


def test_a_flag_wins_over_the_site_file(tmp_path: Path) -> None:
    site_file().write(DataFolder(root=tmp_path).site_file)

    site = Site(data_dir=tmp_path, database="postgresql://db/lineside", broker="kafka:9093")

    assert site.database == "postgresql://db/lineside"
    assert site.objects == "file:///x/objects"
    assert site.broker.bootstrap == "kafka:9093"


def test_an_unknown_site_says_how_to_name_it(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"give --database URL, set LINESIDE_DATABASE, or name the data folder"
    ):
        _ = Site(data_dir=tmp_path).database


def test_an_embedded_broker_that_ended_with_its_site_cannot_be_asked(tmp_path: Path) -> None:
    site_file(embedded=True, stopped_at=NOW).write(DataFolder(root=tmp_path).site_file)

    with pytest.raises(ConfigurationError, match="embedded one, which ended with it at 2026-05-02 12:00:00 UTC"):
        _ = Site(data_dir=tmp_path).broker


def test_the_site_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = DataFolder(root=tmp_path).site_file
    site_file().write(path)

    assert path.stat().st_mode & 0o777 == 0o600


def test_a_damaged_site_file_is_named(tmp_path: Path) -> None:
    DataFolder(root=tmp_path).site_file.write_text('{"started_at": 3}')

    with pytest.raises(ConfigurationError, match=r"site\.json: bootstrap: Field required"):
        Site(data_dir=tmp_path)


def test_a_data_folder_has_one_user_at_a_time(tmp_path: Path) -> None:
    folder = DataFolder(root=tmp_path)
    with folder.lock(), pytest.raises(ConfigurationError, match="is in use by another lineside up"):
        folder.lock()
    folder.lock().close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90m", datetime(2026, 5, 2, 10, 30, tzinfo=UTC)),
        ("2d", datetime(2026, 4, 30, 12, 0, tzinfo=UTC)),
        ("2026-05-01T08:00+02:00", datetime(2026, 5, 1, 6, 0, tzinfo=UTC)),
    ],
)
def test_moments_are_read_as_people_write_them(text: str, expected: datetime) -> None:
    assert parse_moment(text, now=NOW, option="--since") == expected


def test_a_moment_that_is_none_names_its_option() -> None:
    with pytest.raises(ConfigurationError, match="--since: 'yesterday' is no time"):
        parse_moment("yesterday", now=NOW, option="--since")


def test_a_brokers_password_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = tmp_path / "options.yaml"
    options.write_text("sasl.username: jobs\nsasl.password: of the file\n")
    monkeypatch.setenv("LINESIDE_BROKER_OPTIONS", str(options))
    monkeypatch.setenv("LINESIDE_BROKER__OPTIONS__sasl.password", "of the environment")

    broker = Site(data_dir=tmp_path, broker="kafka:9093").broker

    assert broker.librdkafka()["sasl.username"] == "jobs"
    assert broker.librdkafka()["sasl.password"] == "of the environment"


def test_a_file_lies_over_site_json_a_variable_over_the_file_and_an_option_over_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site_file(page="http://127.0.0.1:8080/").write(DataFolder(root=tmp_path).site_file)
    config = tmp_path / "site.yaml"
    config.write_text("broker: {bootstrap: file:9092}\ndatabase: sqlite:////file.db\nobjects: file:///file\n")
    monkeypatch.setenv("LINESIDE_BROKER", "variable:9092")
    monkeypatch.setenv("LINESIDE_DATABASE", "sqlite:////variable.db")

    site = Site(
        data_dir=tmp_path,
        config=config,
        flags=["database=sqlite:////flag.db", "broker.options.a=1"],
        broker="option:9092",
    )

    assert (site.page, site.objects, site.database) == (
        "http://127.0.0.1:8080/", "file:///file", "sqlite:////flag.db"
    )  # fmt: skip
    assert site.broker.bootstrap == "option:9092"
    assert site.broker.librdkafka()["a"] == "1"
    shown = {one.key: (one.value, one.origin) for one in effective_settings(site.loaded)}
    assert shown["broker.bootstrap"] == ("option:9092", "--broker")
    assert shown["database"] == ("********", "--set database")
    assert shown["objects"] == ("file:///file", str(config))
    assert shown["url"] == ("http://127.0.0.1:8080/", str(tmp_path / "site.json"))


def test_a_variable_that_names_a_broker_by_its_address_alone_is_understood_by_every_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINESIDE_BROKER", "kafka:9094")
    monkeypatch.setenv("LINESIDE_BROKER__OPTIONS__sasl.username", "lineside")

    found = load_layers(BrokerOnly, None)

    assert found.settings.broker.bootstrap == "kafka:9094"
    assert set(found.settings.broker.options) == {"sasl.username"}
    assert found.origin(("broker", "bootstrap")) == "LINESIDE_BROKER"


class BrokerOnly(ProcessSettings):
    broker: KafkaSettings


def test_another_broker_than_the_sites_embedded_one_is_not_taken_for_embedded(tmp_path: Path) -> None:
    site_file(embedded=True).write(DataFolder(root=tmp_path).site_file)

    assert Site(data_dir=tmp_path).broker.embedded
    assert not Site(data_dir=tmp_path, broker="kafka:9092").broker.embedded


def test_a_workers_file_says_where_its_site_is_and_a_misspelt_key_is_refused(tmp_path: Path) -> None:
    worker, misspelt = tmp_path / "worker.yaml", tmp_path / "misspelt.yaml"
    worker.write_text("roles: [store]\ndatabase: sqlite:////w.db\nstore: {max_batch: 3}\n")
    misspelt.write_text("databse: sqlite:////w.db\n")

    assert Site(data_dir=tmp_path, config=worker).database == "sqlite:////w.db"
    with pytest.raises(ConfigurationError, match=r"misspelt\.yaml: databse: is none of broker, .*correct its spelling"):
        Site(data_dir=tmp_path, config=misspelt)


@pytest.mark.parametrize(
    "command",
    ["history", "ledger", "backup", "restore", "migrate", "topics", "retention", "screenshot",
     "dlq list", "dlq show", "dlq replay", "state list", "state show", "state accept", "state reject",
     "state rollback", "state rebuild", "state describe", "state set-rate", "state set-threshold",
     "plant state", "plant fault", "plant defect-rate"],
)  # fmt: skip
def test_every_command_that_talks_to_a_site_takes_its_settings_from_every_layer(command: str) -> None:
    group: Any = typer.main.get_command(build_app())
    for word in command.split():
        group = group.commands[word]
    options = {flag for option in group.params for flag in option.opts}
    assert {"--data-dir", "--config", "--set"} <= options
    assert options & {"--broker", "--database", "--url"}


def test_the_options_of_up_are_shown_with_who_said_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "up.yaml"
    config.write_text("defect_rate: 0.3\nlines: 7\ndatabase: postgresql://lineside:secret@db/lineside\n")
    monkeypatch.setenv("LINESIDE_UP_RATE", "3")

    found = {one.key: (one.value, one.origin) for one in up_settings(config, ["lines=4", "retention=false"])}

    assert found["defect_rate"] == (0.3, str(config))
    assert found["lines"] == (4, "--set lines")
    assert found["rate"] == (3.0, "LINESIDE_UP_RATE")
    assert found["retention"] == (False, "--set retention")
    assert found["port"] == (8080, "default")
    assert found["database"] == ("postgresql://********@db/lineside", str(config))


@pytest.mark.parametrize(
    ("flag", "problem"),
    [("lines=400", "Invalid value for '--lines'"), ("lins=4", "--set lins=4: write KEY=VALUE with an option")],
)
def test_an_option_that_up_would_refuse_is_refused_here(flag: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        up_settings(None, [flag])
