"""Brokers and databases as fixtures: the embedded kind, and Apache Kafka and PostgreSQL where they are installed."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.database import Database
from storage.migrate import migrate
from tests.contract.brokers import Broker, embedded_broker, real_broker


@pytest.fixture
def embedded() -> Iterator[Broker]:
    """An embedded broker of this test alone."""
    with embedded_broker() as broker:
        yield broker


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def broker(request: pytest.FixtureRequest) -> Broker:
    """A broker that stays up, of either kind."""
    if request.param == "kafka":
        return real_broker(request.getfixturevalue("kafka"))
    return request.getfixturevalue("embedded")  # type: ignore[no-any-return]


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=[pytest.mark.kafka, pytest.mark.slow])])
def fragile_broker(request: pytest.FixtureRequest) -> Broker:
    """A broker of this test alone, of either kind, to stop and start."""
    if request.param == "kafka":
        return real_broker(request.getfixturevalue("own_kafka"))
    return request.getfixturevalue("embedded")  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a migrated database of this test alone, of either kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{shutil.copy(request.getfixturevalue('sqlite_template'), tmp_path / 'lineside.db')}"
        return
    server = request.getfixturevalue("postgres")
    url = server.fresh_database(prepare=migrate)
    yield url
    server.drop_database(url)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated database of this test alone, of either kind."""
    opened = Database(database_url)
    yield opened
    opened.close()
