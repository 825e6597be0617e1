"""The port of the object store: payloads by claim check, evidence and tensors by content hash."""

import hashlib
from datetime import datetime
from typing import Protocol
from uuid import UUID

# Beyond these a payload is put into the object store first and Kafka carries the claim (CONVENTIONS §2.1, §2.7).
INLINE_LIMIT_BYTES = 512 * 1024
INLINE_LIMIT_EMBEDDED_BYTES = 32 * 1024


class PayloadStore(Protocol):
    """Keeps bytes under keys. Thread-safe. A put is durable (survives a crash of any process) when it returns.

    May repeat a put (same key, same bytes); never changes the bytes behind a key. Keys are relative, with ``/``.
    """

    def put(self, key: str, data: bytes) -> None:
        """Store ``data``. ObjectStoreUnavailable if the store is away or full; nothing half-written is ever visible."""

    def get(self, key: str) -> bytes:
        """Return the bytes. DecodeError('object_missing') if there are none; ObjectStoreUnavailable if away."""

    def exists(self, key: str) -> bool:
        """Whether something is stored under ``key``."""

    def delete(self, key: str) -> None:
        """Remove; silent if it is not there."""

    def close(self) -> None:
        """Let go of connections; what was put stays."""


def payload_key(line: str, captured_at: datetime, event_id: UUID, extension: str) -> str:
    """``payloads/<line>/<yyyy>/<mm>/<dd>/<event id>.<ext>``: a day's payloads can be listed and expired together."""
    return f"payloads/{line}/{captured_at:%Y/%m/%d}/{event_id}.{extension}"


def content_key(prefix: str, data: bytes, extension: str) -> tuple[str, str]:
    """(key, sha256) of content-addressed bytes: ``<prefix>/ab/abcdef....<ext>``. Equal bytes are stored once."""
    sha256 = hashlib.sha256(data).hexdigest()
    return f"{prefix}/{sha256[:2]}/{sha256}.{extension}", sha256
