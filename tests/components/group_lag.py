"""Where a consumer group stands, asked once."""

from contextlib import closing

from wire.kafka.lag import LagReader, PartitionLag
from wire.kafka.settings import KafkaSettings


def group_lag(settings: KafkaSettings, group: str, topic: str) -> list[PartitionLag]:
    """The lag of one group on every partition of a topic."""
    with closing(LagReader(settings)) as reader:
        return reader.lags(topic, [group])[group]
