"""A broker that keeps everything it is sent, with faults in front of it and behind it."""

from collections import defaultdict
from dataclasses import dataclass

from tests.unit.stream.sabotage import Sabotage
from wire import topics
from wire.cloudevents import CloudEvent, RawHeaders
from wire.errors import LinesideError
from wire.event_sender import Acknowledgement, Delivered


@dataclass(frozen=True)
class RawRecord:
    """A dead letter."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: RawHeaders


class RecordingSender:
    """Points: ``send`` and ``send:<event type>`` before the broker has it, ``answer:<event type>`` after."""

    def __init__(self, sabotage: Sabotage) -> None:
        self._sabotage = sabotage
        self.events: defaultdict[str, list[CloudEvent]] = defaultdict(list)
        self.dead_letters: list[RawRecord] = []

    def send(self, topic: str, key: str, event: CloudEvent, delivered: Delivered) -> None:
        self._sabotage.hit("send")
        self._sabotage.hit(f"send:{event.type}")
        self.events[topic].append(event)
        self._answer(topic, event.type, len(self.events[topic]) - 1, delivered)

    def send_raw(
        self, topic: str, key: bytes | None, value: bytes | None, headers: RawHeaders, delivered: Delivered
    ) -> None:
        self._sabotage.hit("send:raw")
        self.dead_letters.append(RawRecord(topic, key, value, headers))
        self._answer(topic, "raw", len(self.dead_letters) - 1, delivered)

    def _answer(self, topic: str, kind: str, offset: int, delivered: Delivered) -> None:
        try:
            self._sabotage.hit(f"answer:{kind}")
        except LinesideError as error:
            delivered(error)
        else:
            delivered(Acknowledgement(topic, 0, offset))

    def of_type(self, kind: str) -> list[CloudEvent]:
        """Everything of one type on ``lineside.results``."""
        return [event for event in self.events[topics.RESULTS] if event.type == kind]

    def flush(self, timeout_s: float) -> int:
        return 0

    def close(self, timeout_s: float) -> int:
        return 0
