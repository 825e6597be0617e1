"""Fixtures of the workers' unit tests."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.database import Database
from storage.migrate import migrate
from tests.unit.stream.inspect_bench import InspectBench


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database with the schema, to be copied."""
    file = tmp_path_factory.mktemp("template") / "lineside.sqlite"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture
def database(migrated_file: Path, tmp_path: Path) -> Iterator[Database]:
    """A database of the test's own."""
    file = shutil.copy(migrated_file, tmp_path / "lineside.sqlite")
    database = Database(f"sqlite:///{file}")
    yield database
    database.close()


@pytest.fixture
def bench(database: Database, tmp_path: Path) -> InspectBench:
    """An inspect worker on a bench."""
    return InspectBench(tmp_path / "objects", database)
