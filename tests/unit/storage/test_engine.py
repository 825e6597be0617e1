import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from storage.database import Database
from storage.engine import parse_url
from storage.migrate import migrate
from wire.errors import ConfigurationError, MustStop


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_postgresql_means_psycopg_3(scheme: str) -> None:
    assert parse_url(f"{scheme}://user@host/lineside").drivername == "postgresql+psycopg"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("lineside.db", "database: 'lineside.db' is not a URL; use sqlite:///FILE or postgresql://…"),
        ("mysql://host/lineside", "database: 'mysql' is not supported; use sqlite:///FILE or postgresql://…"),
        ("sqlite://", "database: SQLite needs a file that several processes can share: sqlite:///FILE"),
        ("sqlite:///:memory:", "database: SQLite needs a file that several processes can share: sqlite:///FILE"),
    ],
)
def test_other_addresses_are_refused_with_the_remedy(url: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_url(url)
    assert caught.value.problems == (message,)


def test_a_file_that_was_removed_stops_whoever_has_it_open_and_whoever_connects_anew(tmp_path: Path) -> None:
    file = tmp_path / "lineside.db"
    migrate(f"sqlite:///{file}")
    open_before, connects_later = Database(f"sqlite:///{file}"), Database(f"sqlite:///{file}")
    for database in (open_before, connects_later):
        database.ensure_current()
    connects_later.engine.dispose()  # its next transaction connects again, to a new and empty file
    for part in tmp_path.glob("lineside.db*"):
        part.unlink()
    for database in (open_before, connects_later):
        with (
            pytest.raises(MustStop, match=r"lineside\.db was removed or replaced while it was in use"),
            database.begin_write(),
        ):
            pytest.fail("a transaction began")
        database.close()


def test_processes_that_open_a_new_file_at_once_wait_for_each_other(tmp_path: Path) -> None:
    """The switch to WAL needs the file alone, and SQLite itself does not wait for that where two ask for it."""
    url = f"sqlite:///{tmp_path}/lineside.db"
    begin = threading.Barrier(6)

    def open_it() -> None:
        database = Database(url)
        begin.wait()
        with database.begin_read():
            pass
        database.close()

    with ThreadPoolExecutor(6) as threads:
        for opened in [threads.submit(open_it) for _ in range(6)]:
            opened.result()
