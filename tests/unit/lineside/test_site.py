from datetime import UTC, datetime
from pathlib import Path

import pytest

from lineside.data_folder import DataFolder
from lineside.moments import parse_moment
from lineside.site import Site, SiteFile
from wire.errors import ConfigurationError

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
