"""A site's history on another disk: the database and every object, and back again.

Effects of a backup, in this order:

1. the database, as of one moment (SQLite's backup, ``pg_dump``);
2. every object that the backup has not: an object is put before the row that names it, so that whatever the database of
   step 1 names is there by now, as long as nothing deletes objects meanwhile (``lineside retention``);
3. the manifest. A folder without one, or with an older one, is no finished backup.

A restore goes into an empty database: 1 objects, 2 the database, so that no row is ever without its objects.
"""

import hashlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import inspect
from sqlalchemy.engine import URL

from storage.database import Database
from storage.engine import parse_url
from storage.migrate import current
from storage.objects import ObjectPayloadStore, open_payload_store
from wire.errors import ConfigurationError, DatabaseUnavailable

_MANIFEST: Final = "manifest.json"
_SQLITE_FILE: Final = "lineside.db"
_DUMP_FILE: Final = "lineside.dump"
_OBJECTS: Final = "objects"
_TOLD_EVERY: Final = 1000
_CHUNK_BYTES: Final = 1 << 20

Tell = Callable[[str], None]


class Manifest(BaseModel):
    """What a backup holds; written last. ``revision``: the schema's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    made_at: datetime
    database: Literal["sqlite", "postgresql"]
    revision: str
    sql_sha256: str
    objects: int
    object_bytes: int

    @property
    def sql_file(self) -> str:
        """The file of the database within the backup."""
        return _SQLITE_FILE if self.database == "sqlite" else _DUMP_FILE

    @classmethod
    def read(cls, folder: Path) -> Self:
        """ConfigurationError if ``folder`` holds no finished backup, or its database is not what was written."""
        path = folder / _MANIFEST
        try:
            manifest = cls.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, ValidationError) as error:
            raise ConfigurationError([f"{path}: no finished backup lies here; name the folder of one"]) from error
        file = folder / manifest.sql_file
        if not file.exists() or _sha256(file) != manifest.sql_sha256:
            raise ConfigurationError([f"{file}: is damaged: it is not the file that was written; take another backup"])
        return manifest


def back_up(database_url: str, payloads: ObjectPayloadStore, folder: Path, tell: Tell = lambda _: None) -> Manifest:
    """Write a backup into ``folder``; objects of an earlier one in it are not copied again.

    DatabaseUnavailable, ObjectStoreUnavailable; ConfigurationError without a schema or ``pg_dump``.
    """
    url = parse_url(database_url)
    revision = current(database_url)
    if revision is None:
        raise ConfigurationError([f"{url.render_as_string()}: has no schema, so there is nothing to back up"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MANIFEST).unlink(missing_ok=True)
    kind: Literal["sqlite", "postgresql"] = "sqlite" if url.get_backend_name() == "sqlite" else "postgresql"
    file = folder / (_SQLITE_FILE if kind == "sqlite" else _DUMP_FILE)
    tell("the database")
    (_dump_sqlite if kind == "sqlite" else _dump_postgres)(url, file)  # 1
    with _opened(folder) as target:
        count, size = _copy_objects(payloads, target, tell)  # 2
    manifest = Manifest(
        made_at=datetime.now(UTC),
        database=kind,
        revision=revision,
        sql_sha256=_sha256(file),
        objects=count,
        object_bytes=size,
    )
    (folder / _MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")  # 3
    return manifest


def restore(folder: Path, database_url: str, payloads: ObjectPayloadStore, tell: Tell = lambda _: None) -> Manifest:
    """Bring a backup back into an empty database and an object store; objects that are there stay.

    ConfigurationError if the backup is not whole, the database is of another kind or not empty.
    """
    manifest = Manifest.read(folder)
    url = parse_url(database_url)
    if url.get_backend_name() != manifest.database:
        raise ConfigurationError([f"the backup is of {manifest.database}, the database is {url.get_backend_name()}"])
    _ensure_empty(database_url, url)
    with _opened(folder) as source:
        _copy_objects(source, payloads, tell)  # 1
    tell("the database")
    file = folder / manifest.sql_file
    (_load_sqlite if manifest.database == "sqlite" else _load_postgres)(url, file)  # 2
    return manifest


def _copy_objects(source: ObjectPayloadStore, target: ObjectPayloadStore, tell: Tell) -> tuple[int, int]:
    """Every object that ``target`` has not; how many there are, and their bytes."""
    known = {stored.key: stored.size for stored in target.objects("")}
    count = size = 0
    for stored in source.objects(""):
        # Keys are made of the content, so that the same key with the same size is the same object.
        if known.get(stored.key) != stored.size:
            target.put(stored.key, source.get(stored.key))
        count += 1
        size += stored.size
        if count % _TOLD_EVERY == 0:
            tell(f"{count} objects")
    return count, size


@contextmanager
def _opened(folder: Path) -> Iterator[ObjectPayloadStore]:
    with closing(open_payload_store((folder.resolve() / _OBJECTS).as_uri())) as store:
        yield store


def _ensure_empty(database_url: str, url: URL) -> None:
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
        return
    database = Database(database_url)
    try:
        with database.begin_read() as connection:
            tables = inspect(connection).get_table_names()
    finally:
        database.close()
    if tables:
        raise ConfigurationError([f"{url.render_as_string()}: is not empty; restore into a new database"])


def _dump_sqlite(url: URL, file: Path) -> None:
    with closing(sqlite3.connect(str(url.database))) as source, closing(sqlite3.connect(file)) as target:
        source.backup(target)


def _load_sqlite(url: URL, file: Path) -> None:
    path = Path(str(url.database))
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}~")
    shutil.copyfile(file, draft)
    draft.replace(path)


def _dump_postgres(url: URL, file: Path) -> None:
    # Who may read what is the other server's business: `lineside migrate --reader-role` says it anew.
    _run("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={file}")


def _load_postgres(url: URL, file: Path) -> None:
    _run("pg_restore", url, "--no-owner", "--no-privileges", "--single-transaction", str(file))


def _run(program: str, url: URL, *arguments: str) -> None:
    """A program of PostgreSQL's client; the password goes through the environment, where ``ps`` does not show it."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))  # Debian's, which is not on PATH
    found = shutil.which(program) or (installed[-1] if installed else None)
    if found is None:
        raise ConfigurationError([f"{program} is not on PATH; install PostgreSQL's client (Debian: postgresql-client)"])
    query = {name: value for name, value in url.query.items() if isinstance(value, str)}
    environment = {**os.environ, "PGPASSWORD": str(url.password or ""), "PGSSLMODE": query.get("sslmode", "prefer")}
    if "sslrootcert" in query:
        environment["PGSSLROOTCERT"] = query["sslrootcert"]
    where = [f"--host={url.host or 'localhost'}", f"--port={url.port or 5432}", f"--dbname={url.database}"]
    user = [f"--username={url.username}"] if url.username else []
    done = subprocess.run(
        [str(found), "--no-password", *where, *user, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise DatabaseUnavailable(f"{program}: {(done.stderr.strip() or 'failed').splitlines()[0]}")


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
