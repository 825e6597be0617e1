"""An embedded broker and a database for one worker."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.database import Database
from storage.migrate import migrate
from wire import topics
from wire.kafka.embedded import EmbeddedBroker
from wire.kafka.sender import KafkaSender
from wire.kafka.settings import KafkaSettings


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("template") / "lineside.sqlite"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture
def database_url(migrated_file: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'lineside.sqlite')}"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def embedded() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(topics.with_dead_letters(), 4) as broker:
        yield broker


@pytest.fixture
def broker(embedded: EmbeddedBroker) -> KafkaSettings:
    return KafkaSettings(bootstrap=embedded.bootstrap, embedded=True)


@pytest.fixture
def sender(broker: KafkaSettings) -> Iterator[KafkaSender]:
    with KafkaSender(broker, "plant") as sender:
        yield sender
