"""What the PLC says about a part, as a CloudEvent without data."""

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.wire import strategies
from wire.cloudevents import from_kafka, to_kafka
from wire.errors import DecodeError
from wire.frame import Origin, PartReference
from wire.part_context import PartContext, context_from_event, context_to_event


@given(strategies.origins, strategies.parts, strategies.filled, strategies.filled, strategies.moments)
def test_a_context_survives_its_way_through_kafka(
    origin: Origin, part: PartReference, part_id: str, session: str, triggered_at: datetime
) -> None:
    known = replace(part, part_id=part_id, trigger_session=session, triggered_at=triggered_at)
    sent = PartContext(origin=origin, part=known)
    event = context_to_event(sent)
    assert (event.type, event.time, event.data) == ("org.lineside.part.context.v1", triggered_at, b"")
    assert context_from_event(from_kafka(*to_kafka(event))) == sent


@given(st.sampled_from(["part_id", "trigger_session", "triggered_at"]), strategies.moments)
def test_a_context_that_does_not_know_its_part_is_not_sent(unknown: str, moment: datetime) -> None:
    part = PartReference(part_id="P", trigger_session="s", triggered_at=moment)
    origin = Origin(line="a.b.c", source="a.b.c/plc", session="s", sequence=0)
    with pytest.raises(ValueError, match="a part context needs part_id, trigger_session and triggered_at"):
        context_to_event(PartContext(origin=origin, part=replace(part, **{unknown: None})))


@pytest.mark.parametrize("missing", ["partid", "triggersession", "triggertime"])
def test_a_context_that_lacks_a_field_is_a_decode_error(missing: str) -> None:
    origin = Origin(line="a.b.c", source="a.b.c/plc", session="s", sequence=0)
    part = PartReference(part_id="P", trigger_session="s", triggered_at=datetime.fromisoformat("2026-03-04T12:00Z"))
    event = context_to_event(PartContext(origin=origin, part=part))
    rest = {name: text for name, text in event.extensions.items() if name != missing}
    with pytest.raises(
        DecodeError, match="header: a part context needs ce_partid, ce_triggersession and ce_triggertime"
    ):
        context_from_event(replace(event, extensions=rest))
