"""Commands of people, as messages."""

from datetime import UTC, datetime
from uuid import UUID

from wire.cloudevents import from_kafka, to_kafka
from wire.command import CommandKind, LineCommand


def test_a_command_survives_its_way_through_kafka() -> None:
    sent = LineCommand(
        command_id=UUID(int=7),
        kind=CommandKind.ACCEPT,
        line="a.b.c",
        by="ann",
        reason="dust, no defect",
        requested_at=datetime(2026, 3, 4, 12, 0, tzinfo=UTC),
        inspections=(UUID(int=1), UUID(int=2)),
    )
    event = from_kafka(*to_kafka(sent.to_event()))
    assert LineCommand.from_json(event.data) == sent
    assert (event.id, event.source, event.type) == (str(UUID(int=7)), "operator/ann", "org.lineside.line.command.v1")
