"""An event sender that keeps what it is given, and can be told that Kafka is away."""

from wire.cloudevents import CloudEvent
from wire.errors import BrokerUnavailable
from wire.event_sender import Acknowledgement, Delivered


class RecordingSender:
    """Acknowledges every event at once. Not thread-safe."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, CloudEvent]] = []
        self.away = False

    def send(self, topic: str, key: str, event: CloudEvent, delivered: Delivered) -> None:
        if self.away:
            raise BrokerUnavailable("no broker", retry_after_s=3.2)
        self.sent.append((topic, key, event))
        delivered(Acknowledgement(topic, 0, len(self.sent) - 1))

    def flush(self, timeout_s: float) -> int:
        return 0

    def close(self, timeout_s: float) -> int:
        return 0
