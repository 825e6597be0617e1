"""Base of the messages whose value is JSON, and their CloudEvents envelope.

Field names on the wire are PascalCase, because OPC 40100-1 ``ResultDataType`` names are; readers ignore fields that
they do not know, so that old and new workers can run side by side (DESIGN §2).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_pascal

from wire.cloudevents import CloudEvent
from wire.errors import DecodeError

Moment = AwareDatetime


class Record(BaseModel):
    """A frozen value with PascalCase names in JSON and snake_case names in Python."""

    model_config = ConfigDict(
        frozen=True,
        alias_generator=to_pascal,
        populate_by_name=True,
        extra="ignore",
        ser_json_inf_nan="strings",
        protected_namespaces=(),
    )

    def to_json(self) -> bytes:
        """UTF-8 JSON with wire names."""
        return self.model_dump_json(by_alias=True).encode()

    @classmethod
    def from_json(cls, data: bytes | str) -> Self:
        """Read JSON with wire names; DecodeError('json') lists every field that is wrong."""
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise DecodeError("json", f"{cls.__name__}: {wrong}") from error


def envelope(
    record: Record,
    *,
    id: str,
    source: str,
    type: str,
    line: str,
    time: datetime,
    subject: str | None = None,
    extensions: Mapping[str, str] | None = None,
) -> CloudEvent:
    """Wrap a record into the CloudEvent that carries it; the Kafka key is ``line``."""
    return CloudEvent(
        id=id,
        source=source,
        type=type,
        time=time,
        subject=subject,
        content_type="application/json",
        data=record.to_json(),
        extensions={"lineid": line, **(extensions or {})},
    )
