import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from storage.database import Database
from storage.history import History
from storage.history_filter import HistoryFilter
from storage.migrate import current, head_revision, migrate
from storage.partitions import is_partition
from storage.result_batch import ResultBatch
from storage.results import ResultSink
from storage.schema import metadata
from storage.schema_comparison import comparison_options
from tests.unit.storage.examples import inspection
from wire.errors import ConfigurationError, DatabaseUnavailable

REPOSITORY = Path(__file__).resolve().parents[2]


def tables(url: str) -> set[str]:
    database = Database(url)
    try:
        return {name for name in inspect(database.engine).get_table_names() if not is_partition(name)}
    finally:
        database.close()


def test_migrations_make_every_table_and_remove_every_table(database_url: str) -> None:
    assert current(database_url) == head_revision()
    assert tables(database_url) == {*metadata.tables, "alembic_version"}
    steps: list[str] = []
    migrate(database_url, to="base", progress=steps.append)
    assert current(database_url) is None
    assert tables(database_url) == {"alembic_version"}
    migrate(database_url, progress=steps.append)
    assert current(database_url) == head_revision()
    assert steps[0].startswith("undo ")
    assert steps[-1].startswith("apply ")


def test_a_schema_goes_back_step_by_step_and_keeps_the_rows_that_both_versions_know(
    database: Database, database_url: str
) -> None:
    ResultSink(database).write(ResultBatch(inspections=[inspection(1)], reports=[]))
    steps: list[str] = []

    migrate(database_url, to="0001", progress=steps.append)

    assert current(database_url) == "0001"
    assert [step.split(":")[0] for step in steps] == [
        f"undo {number:04d}" for number in range(int(head_revision()), 1, -1)
    ]
    with pytest.raises(ConfigurationError, match="has schema 0001, this version needs"):
        database.ensure_current()
    migrate(database_url)
    database.ensure_current()
    assert [item.inspection for item in History(database).page(HistoryFilter(), 10).items] == [inspection(1)]


def test_a_revision_that_is_not_there_is_named_with_those_that_are(database_url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"schema '0x2': is none of 0001, 0002, .*; take one, or head"):
        migrate(database_url, to="0x2")
    assert current(database_url) == head_revision()


def test_migrating_twice_changes_nothing_and_says_nothing(database_url: str) -> None:
    steps: list[str] = []
    migrate(database_url, progress=steps.append)
    assert steps == []


def test_the_migrations_arrive_at_the_schema_of_the_code(database: Database) -> None:
    with database.begin_read() as connection:
        context = MigrationContext.configure(connection, opts=comparison_options(connection.dialect))
        assert compare_metadata(context, metadata) == []


@pytest.mark.slow
def test_several_processes_may_migrate_at_once(database_url: str) -> None:
    migrate(database_url, to="base")
    code = f"from storage.migrate import migrate; migrate({database_url!r})"
    processes = [
        subprocess.Popen([sys.executable, "-c", code], cwd=REPOSITORY, stderr=subprocess.PIPE) for _ in range(3)
    ]
    assert [process.communicate(timeout=60)[1] for process in processes] == [b"", b"", b""]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert current(database_url) == head_revision()


def test_a_database_without_schema_is_refused_with_the_remedy(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'new' / 'lineside.db'}")
    with pytest.raises(ConfigurationError, match=r"has no schema, this version needs 0003; run `lineside migrate`"):
        database.ensure_current()
    database.close()


def test_a_database_of_another_version_is_refused(database: Database) -> None:
    database.ensure_current()
    with database.begin_write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigurationError, match="has schema 9999, this version needs"):
        database.ensure_current()


def test_a_refusal_does_not_show_the_password() -> None:
    database = Database("postgresql://lineside:secret@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnavailable) as caught:
        database.ensure_current()
    assert "secret" not in str(caught.value)
    database.close()
