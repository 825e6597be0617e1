"""The object store behind ``wire.payload_store``: a folder, S3, GCS, Azure, or memory for tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, InvalidPathError
from obstore.store import LocalStore, MemoryStore, ObjectStore, from_url

from wire.errors import ConfigurationError, DecodeError, ObjectStoreUnavailable

# A request that hangs holds a worker's batch; the callers retry for as long as it takes, so each attempt may be short.
_REQUEST_TIMEOUT = timedelta(seconds=15)
_CONNECT_TIMEOUT = timedelta(seconds=5)
_RETRY_TIMEOUT = timedelta(seconds=20)
_RETRIES = 2


@dataclass(frozen=True)
class StoredObject:
    """One object of a listing."""

    key: str
    modified_at: datetime
    size: int


class ObjectPayloadStore:
    """A ``PayloadStore`` over obstore. Thread-safe.

    Puts are atomic: a folder gets a staged file that is renamed, an object service shows whole objects only. Putting a
    key again stores the same bytes again and so refreshes ``modified_at``, which is what retention goes by.
    """

    def __init__(self, store: ObjectStore, url: str) -> None:
        self._store = store
        self._url = url

    def put(self, key: str, data: bytes) -> None:
        """Store ``data``; ObjectStoreUnavailable if the store is away or full."""
        with self._away(key):
            # One request: the multipart upload that obstore would choose for large objects costs several.
            obstore.put(self._store, key, data, use_multipart=False)

    def get(self, key: str) -> bytes:
        """Return the bytes. DecodeError('object_missing') if there are none; ObjectStoreUnavailable if away."""
        with self._reading(key):
            return bytes(obstore.get(self._store, key).bytes())

    def exists(self, key: str) -> bool:
        """Whether something is stored under ``key``."""
        return self.modified_at(key) is not None

    def modified_at(self, key: str) -> datetime | None:
        """When ``key`` was put last, by the store's clock; None if nothing is there."""
        try:
            with self._reading(key):
                return obstore.head(self._store, key)["last_modified"]
        except DecodeError:
            return None

    def delete(self, key: str) -> None:
        """Remove; silent if it is not there."""
        try:
            with self._reading(key):
                obstore.delete(self._store, key)
        except DecodeError:
            return

    def folders(self, prefix: str) -> list[str]:
        """The "folders" directly below ``prefix``, with their full key and without a slash at the end, sorted."""
        with self._away(prefix):
            found = obstore.list_with_delimiter(self._store, prefix)
            return sorted(folder.rstrip("/") for folder in found["common_prefixes"])

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """Every object below the "folder" ``prefix``."""
        with self._away(prefix):
            for chunk in obstore.list(self._store, prefix):
                for meta in chunk:
                    yield StoredObject(meta["path"], meta["last_modified"], meta["size"])

    def close(self) -> None:
        """Let go of connections; what was put stays."""

    @contextmanager
    def _reading(self, key: str) -> Iterator[None]:
        # A claim's reference comes from outside, so it may be anything; only what was put can be read.
        if not key:
            raise DecodeError("object_missing", "an empty text is not a key of an object")
        with self._away(key):
            try:
                yield
            except FileNotFoundError as error:
                raise DecodeError("object_missing", f"{self._url} has no object {key!r}") from error
            except (InvalidPathError, ValueError) as error:
                raise DecodeError("object_missing", f"{key!r} is not a key of an object") from error

    @contextmanager
    def _away(self, key: str) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError) as error:
            raise ObjectStoreUnavailable(f"{self._url}: {key}: {str(error).splitlines()[0]}") from error


def open_payload_store(url: str) -> ObjectPayloadStore:
    """Open ``file:///FOLDER`` (made if missing), ``memory:`` or what obstore knows (``s3://``, ``gs://``, ``az://``).

    Credentials and endpoints of services come from their usual environment variables. ConfigurationError on an address
    that cannot be used.
    """
    parts = urlsplit(url)
    try:
        return ObjectPayloadStore(_open(url, parts.scheme, unquote(parts.path)), _without_secrets(url))
    except (BaseError, ValueError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigurationError([f"objects: {_without_secrets(url)} cannot be opened: {reason}"]) from error


def _open(url: str, scheme: str, path: str) -> ObjectStore:
    if scheme == "memory":
        return MemoryStore()
    if scheme == "file":
        if urlsplit(url).netloc not in ("", "localhost") or not path.startswith("/"):
            raise ValueError("a folder is written file:///FOLDER")
        Path(path).mkdir(parents=True, exist_ok=True)
        return LocalStore(path, mkdir=True)
    if not scheme:
        raise ValueError("expected file:///FOLDER, s3://BUCKET/PREFIX, gs://… or az://…")
    return from_url(
        url,
        client_options={"timeout": _REQUEST_TIMEOUT, "connect_timeout": _CONNECT_TIMEOUT},
        retry_config={"max_retries": _RETRIES, "retry_timeout": _RETRY_TIMEOUT},
    )


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rsplit('@', 1)[-1]}{parts.path}" if parts.netloc else url
