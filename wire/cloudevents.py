"""CloudEvents 1.0 in the Kafka binding's binary mode: attributes in headers, the payload as the value.

Source: cloudevents/bindings/kafka-protocol-binding.md. ``datacontenttype`` travels as ``content-type`` without
prefix, everything else as ``ce_<name>`` in UTF-8.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from wire.errors import DecodeError
from wire.timestamps import from_rfc3339, to_rfc3339

Headers = list[tuple[str, bytes]]
# As a record may carry them, whoever wrote it: repeated names, null values.
RawHeaders = Sequence[tuple[str, bytes | None]]

_EXTENSION = re.compile(r"[a-z0-9]{1,40}\Z")
_REQUIRED = ("specversion", "id", "source", "type")
_OWN = frozenset({*_REQUIRED, "time", "subject"})
_STRUCTURED = "application/cloudevents"


@dataclass(frozen=True, kw_only=True)
class CloudEvent:
    """One event. ``extensions`` hold every other ``ce_`` attribute; names are lower-case letters and digits only."""

    id: str
    source: str
    type: str
    time: datetime
    data: bytes
    subject: str | None = None
    content_type: str | None = None
    extensions: Mapping[str, str] = field(default_factory=dict)
    traceparent: str | None = None


def to_kafka(event: CloudEvent) -> tuple[Headers, bytes]:
    """Return (headers, value). ValueError if an extension's name is not allowed by the specification."""
    headers: Headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", event.id.encode()),
        ("ce_source", event.source.encode()),
        ("ce_type", event.type.encode()),
        ("ce_time", to_rfc3339(event.time).encode()),
    ]
    if event.subject is not None:
        headers.append(("ce_subject", event.subject.encode()))
    if event.content_type is not None:
        headers.append(("content-type", event.content_type.encode()))
    if event.traceparent is not None:
        headers.append(("traceparent", event.traceparent.encode()))
    headers += [(_header_name(name), value.encode()) for name, value in event.extensions.items()]
    return headers, event.data


def is_extension_name(name: str) -> bool:
    """Whether an attribute may be called so: lower-case letters and digits, and not one of the specification's own."""
    return bool(_EXTENSION.match(name)) and name not in _OWN


@lru_cache(maxsize=256)  # a process uses some thirty names; checking each in every message would double the cost
def _header_name(extension: str) -> str:
    if not is_extension_name(extension):
        raise ValueError(f"{extension!r} is not a CloudEvents extension name (lower-case letters and digits)")
    return f"ce_{extension}"


def from_kafka(
    headers: Iterable[tuple[str, bytes | None]] | Mapping[str, bytes | None] | None, value: bytes | None
) -> CloudEvent:
    """Read a message; DecodeError('header') names the attribute that is missing or unreadable."""
    pairs = headers.items() if isinstance(headers, Mapping) else (headers or ())
    attributes: dict[str, str] = {}
    content_type = traceparent = None
    for key, raw in pairs:
        try:
            text = (raw or b"").decode()
        except UnicodeDecodeError as error:
            raise DecodeError("header", f"header {key!r} is not UTF-8 text") from error
        name = key.lower()
        if name == "content-type":
            content_type = text
        elif name == "traceparent":
            traceparent = text
        elif name.startswith("ce_"):
            attributes[name[3:]] = text
    if content_type is not None and content_type.startswith(_STRUCTURED):
        raise DecodeError("header", f"structured mode ({content_type}) is not supported; send binary mode")
    missing = [f"ce_{name}" for name in _REQUIRED if not attributes.get(name)]
    if missing:
        raise DecodeError("header", f"missing {', '.join(missing)}")
    if attributes["specversion"] != "1.0":
        raise DecodeError("header", f"ce_specversion is {attributes['specversion']!r}, expected '1.0'")
    if "time" not in attributes:
        raise DecodeError("header", "missing ce_time")
    return CloudEvent(
        id=attributes["id"],
        source=attributes["source"],
        type=attributes["type"],
        time=from_rfc3339(attributes["time"]),
        data=value or b"",
        subject=attributes.get("subject"),
        content_type=content_type,
        extensions={name: text for name, text in attributes.items() if name not in _OWN},
        traceparent=traceparent,
    )
