"""Which folder of this machine a database or an object store lives in."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from storage.engine import parse_url


def folder_of_database(url: str) -> Path | None:
    """The folder of a SQLite file; None for a server's."""
    parsed = parse_url(url)
    return Path(str(parsed.database)).parent if parsed.get_backend_name() == "sqlite" else None


def folder_of_objects(url: str) -> Path | None:
    """The folder of ``file:///FOLDER``; None for a service's."""
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None
