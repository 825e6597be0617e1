"""Records to arrivals: resolve claims, decode payloads. Runs in decode threads, away from loop and detector."""

from stream.steps.arrival import AnyArrival, PendingFrame, read_record, with_content, with_failure
from stream.steps.consumed import ConsumedRecord
from stream.steps.decode import check_claim, decode_content
from wire.errors import DecodeError
from wire.payload_store import PayloadStore


class FrameReader:
    """Reads records of ``lineside.frames``. Thread-safe, remembers nothing."""

    def __init__(self, payloads: PayloadStore) -> None:
        self._payloads = payloads

    def read(self, record: ConsumedRecord) -> AnyArrival:
        """What the record is. Bad input becomes an arrival with a failure; ObjectStoreUnavailable goes up."""
        pending = read_record(record)
        if not isinstance(pending, PendingFrame):
            return pending
        frame = pending.frame
        try:
            if frame.claim is not None:
                data = check_claim(frame.claim, self._payloads.get(frame.claim.ref))
            else:
                data = frame.payload or b""
            content = decode_content(
                frame.kind, frame.modality, data, content_type=frame.content_type, attributes=frame.attributes
            )
        except DecodeError as failure:
            return with_failure(pending, failure)
        return with_content(pending, content)
