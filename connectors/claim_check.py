"""The claim check: a large payload goes into the object store first, the event carries where it lies."""

import hashlib
from dataclasses import replace

from wire.cloudevents import CloudEvent
from wire.frame import Claim, frame_from_event, frame_to_event
from wire.payload_files import usual_ending
from wire.payload_store import PayloadStore, payload_key


def put_payload(event: CloudEvent, payloads: PayloadStore) -> CloudEvent:
    """Store the payload of a frame's event and return the event with the claim on it.

    The payload is durable when this returns. ObjectStoreUnavailable if the store is away or full.
    """
    frame = frame_from_event(event)
    ending = usual_ending(frame.content_type)
    key = payload_key(frame.origin.line, frame.captured_at, frame.event_id, ending)
    payloads.put(key, event.data)
    claim = Claim(ref=key, sha256=hashlib.sha256(event.data).hexdigest(), size=len(event.data))
    return frame_to_event(replace(frame, payload=None, claim=claim))
