"""What lies in ``lineside.frames``."""

from wire import topics
from wire.cloudevents import CloudEvent, from_kafka
from wire.kafka.reader import read_topic
from wire.kafka.settings import KafkaSettings
from wire.ledger import Heartbeat, SourceLedger
from wire.sequence_set import SequenceSet


class Published:
    """Reads the topic anew at each question; events in the order of their partition."""

    def __init__(self, bootstrap: str) -> None:
        self._settings = KafkaSettings(bootstrap=bootstrap)

    def events(self, kind: str | None = None) -> list[CloudEvent]:
        found = [from_kafka(record.headers, record.value) for record in read_topic(self._settings, topics.FRAMES)]
        return [event for event in found if kind is None or event.type == kind]

    def sequences(self, kind: str = topics.FRAME_IMAGE) -> list[int]:
        """Sequence numbers in order, repetitions included."""
        return [int(event.extensions["sequence"]) for event in self.events(kind)]

    def heartbeats(self) -> list[Heartbeat]:
        return [Heartbeat.from_json(event.data) for event in self.events(topics.HEARTBEAT)]

    def last_heartbeat(self, source: str) -> Heartbeat | None:
        return next((beat for beat in reversed(self.heartbeats()) if beat.source == source), None)

    def merged(self, source: str, session: str) -> SourceLedger:
        """Union of all heartbeats of a session, as a reader of the ledger merges them."""
        captured, published, latest = SequenceSet(), SequenceSet(), None
        for beat in self.heartbeats():
            if (beat.source, beat.session) == (source, session):
                captured = captured.union(beat.ledger.captured)
                published = published.union(beat.ledger.published)
                latest = beat
        assert latest is not None
        return latest.ledger.model_copy(update={"captured": captured, "published": published})
