"""The product's sender, into the benchmarks' topic: nobody reads it, and it can be deleted."""

from lineside.bench import bench_topics
from wire.cloudevents import CloudEvent
from wire.event_sender import Delivered
from wire.kafka.sender import KafkaSender


class BenchSender(KafkaSender):
    """Sends as ever, whatever topic it is told."""

    def send(self, topic: str, key: str, event: CloudEvent, delivered: Delivered) -> None:
        """Send to ``bench_topics.PUBLISH``."""
        super().send(bench_topics.PUBLISH, key, event, delivered)
