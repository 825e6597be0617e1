"""What hypothesis draws the contract's messages from."""

from datetime import UTC, datetime
from typing import Any, TypeVar

from hypothesis import strategies as st

from wire.cloudevents import CloudEvent
from wire.frame import Claim, Frame, FrameKind, Origin, PartReference
from wire.json_message import Record
from wire.ledger import EventReference
from wire.sequence_set import SequenceSet
from wire.timestamps import ClockOrigin

RecordType = TypeVar("RecordType", bound=Record)


def records(kind: type[RecordType], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[RecordType]:
    """Draw records; ``st.builds`` would ask for their names on the wire."""
    return st.fixed_dictionaries(fields).map(lambda drawn: kind(**drawn))


# Lone surrogates are no text: UTF-8 cannot write them.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=20)
filled = texts.filter(bool)
moments = st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
line_ids = st.from_regex(r"[A-Za-z0-9_-]{1,20}(\.[A-Za-z0-9_-]{1,20}){2}", fullmatch=True)
sequences = st.integers(0, 10**18 - 1)
sequence_sets = st.sets(st.integers(0, 60)).map(SequenceSet)

origins = st.builds(Origin, line=line_ids, source=filled, session=filled, sequence=sequences)
parts = st.builds(
    PartReference,
    part_id=st.none() | texts,
    trigger_session=st.none() | texts,
    triggered_at=st.none() | moments,
    product=st.none() | texts,
    job=st.none() | texts,
    recipe=st.none() | texts,
    packml_state=st.none() | texts,
    simulated=st.booleans(),
)
_frame_fields = {
    "origin": origins,
    "kind": st.sampled_from(FrameKind),
    "modality": filled,
    "captured_at": moments,
    "clock": st.sampled_from(ClockOrigin),
    "content_type": filled.filter(lambda text: not text.startswith("application/cloudevents")),
    "part": parts,
    "attributes": st.dictionaries(st.sampled_from(["depthscale", "intrinsics", "bitdepth", "opcuastatus"]), texts),
    "traceparent": st.none() | texts,
}
claims = st.builds(Claim, ref=filled, sha256=st.from_regex(r"[0-9a-f]{64}", fullmatch=True), size=sequences)
frames = st.builds(Frame, payload=st.binary(min_size=1, max_size=50), **_frame_fields) | st.builds(
    Frame, claim=claims, **_frame_fields
)
event_references = st.builds(EventReference.of, origins, modality=st.none() | texts, captured_at=st.none() | moments)
events = st.builds(
    CloudEvent,
    id=filled,
    source=filled,
    type=filled,
    time=moments,
    data=st.binary(max_size=50),
    subject=st.none() | texts,
    content_type=st.none() | texts.filter(lambda text: not text.startswith("application/cloudevents")),
    extensions=st.dictionaries(names.filter(lambda name: name not in _ATTRIBUTES), texts, max_size=5),
    traceparent=st.none() | texts,
)
_ATTRIBUTES = {"specversion", "id", "source", "type", "time", "subject"}
