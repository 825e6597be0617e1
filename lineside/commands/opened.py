"""Opens what a command needs of a site, and closes it."""

from collections.abc import Iterator
from contextlib import contextmanager

from lineside.site import Site
from storage.database import Database


@contextmanager
def open_database(site: Site) -> Iterator[Database]:
    """The site's database, with a schema of this version; ConfigurationError otherwise."""
    database = Database(site.database)
    try:
        database.ensure_current()
        yield database
    finally:
        database.close()
