"""One event as bytes in the spool: length, checksum, headers as JSON, payload as it came."""

import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from wire.cloudevents import CloudEvent, from_kafka, to_kafka
from wire.errors import DecodeError

# length of the body, crc32 of the body; the body begins with the length of its JSON part. Big-endian.
FRAMING: Final = struct.Struct(">II")
_JSON_LENGTH: Final = struct.Struct(">I")


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A whole record inside a longer run of bytes: its body is ``data[start:end]``; the next one begins at ``end``."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Record:
    """One event as it is written: what the spool adds, then the payload as it came, which nobody copies."""

    headers: bytes
    payload: bytes

    def __len__(self) -> int:
        return FRAMING.size + len(self.headers) + len(self.payload)

    def __bytes__(self) -> bytes:
        return b"".join(self.pieces())

    def pieces(self) -> tuple[bytes, bytes]:
        """What is written. Its checksum is made now: what is written at once is then still in the processor's cache."""
        checksum = zlib.crc32(self.payload, zlib.crc32(self.headers))
        return FRAMING.pack(len(self.headers) + len(self.payload), checksum) + self.headers, self.payload


def encode(event: CloudEvent) -> Record:
    """Write one event."""
    headers, value = to_kafka(event)
    text = json.dumps({name: raw.decode() for name, raw in headers}, separators=(",", ":")).encode()
    return Record(_JSON_LENGTH.pack(len(text)) + text, value)


def decode(record: bytes) -> CloudEvent:
    """Read what ``encode`` wrote; DecodeError('spool') if the bytes are not a whole, unchanged record."""
    if find(memoryview(record), 0) != Found(start=FRAMING.size, end=len(record)):
        raise DecodeError("spool", f"{len(record)} bytes are no whole record")
    body = memoryview(record)[FRAMING.size :]
    try:
        (length,) = _JSON_LENGTH.unpack_from(body)
        headers = json.loads(bytes(body[_JSON_LENGTH.size : _JSON_LENGTH.size + length]))
        pairs = [(name, text.encode()) for name, text in headers.items()]
    except (ValueError, AttributeError, struct.error) as error:
        raise DecodeError("spool", f"a record's headers are unreadable: {error}") from error
    return from_kafka(pairs, bytes(body[_JSON_LENGTH.size + length :]))


def whole_records(data: memoryview) -> Iterator[int]:
    """Where each record ends, up to the first that is cut off or damaged."""
    at = 0
    while (found := find(data, at)) is not None:
        at = found.end
        yield at


def lengths_lead_to_the_end(data: memoryview) -> list[int] | None:
    """Where each record ends by its length alone; None where the last one does not end with ``data``."""
    at, ends = 0, []
    while at + FRAMING.size <= len(data):
        length, _ = FRAMING.unpack_from(data, at)
        at += FRAMING.size + length
        ends.append(at)
    return ends if at == len(data) else None


def find(data: memoryview, at: int) -> Found | None:
    """The record that begins at ``at``; None if it is cut off or its checksum does not match."""
    if at + FRAMING.size > len(data):
        return None
    length, checksum = FRAMING.unpack_from(data, at)
    start = at + FRAMING.size
    if length < _JSON_LENGTH.size or start + length > len(data) or zlib.crc32(data[start : start + length]) != checksum:
        return None
    return Found(start=start, end=start + length)
