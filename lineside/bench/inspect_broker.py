"""The broker of an inspect benchmark, and what it tells about a worker's progress."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from wire import topics
from wire.errors import BrokerUnavailable, MustStop
from wire.kafka.embedded import EmbeddedBroker
from wire.kafka.lag import LagReader
from wire.kafka.reader import read_topic
from wire.kafka.settings import KafkaSettings
from wire.kafka.topics_admin import ensure_topics

# As `lineside up` has it.
_PARTITIONS: Final = 4


@contextmanager
def inspect_broker(bootstrap: str | None) -> Iterator[KafkaSettings]:
    """The broker named, with the product's topics on it; None: an embedded one, fresh each time."""
    if bootstrap is not None:
        settings = KafkaSettings(bootstrap=bootstrap)
        ensure_topics(settings, _PARTITIONS)
        yield settings
        return
    with EmbeddedBroker(topics.with_dead_letters(), _PARTITIONS) as embedded:
        yield KafkaSettings(bootstrap=embedded.bootstrap, embedded=True)


class Finished:
    """Answers whether the inspect group has finished everything in the frames topic."""

    def __init__(self, broker: KafkaSettings) -> None:
        self._lags = LagReader(broker)

    def __call__(self) -> bool:
        """Whether nothing is left; False while the broker cannot tell."""
        try:
            of_group = self._lags.lags(topics.FRAMES, [topics.GROUP_INSPECT])[topics.GROUP_INSPECT]
        except BrokerUnavailable:
            return False
        return not any(lag.messages for lag in of_group)

    def close(self) -> None:
        """Let go of the connection."""
        self._lags.close()


def result_moments(broker: KafkaSettings, session: str) -> list[datetime]:
    """When the broker got each result of the parts of ``session``, ascending. MustStop if it keeps no times."""
    kind, of_session = topics.INSPECTION_RESULT.encode(), f"{session}/".encode()
    moments = []
    for record in read_topic(broker, topics.RESULTS):
        headers = dict(record.headers)
        if headers.get("ce_type") == kind and (headers.get("ce_subject") or b"").startswith(of_session):
            if record.timestamp is None:
                raise MustStop(f"{topics.RESULTS} keeps no times of its records")
            moments.append(record.timestamp)
    return sorted(moments)
