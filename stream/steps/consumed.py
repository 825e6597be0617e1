"""One record as it came from Kafka, free of any client library."""

from dataclasses import dataclass
from datetime import datetime

from wire.timestamps import from_epoch_ms


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsumedRecord:
    """One record. ``broker_time_s``: its timestamp in seconds since 1970, by the broker's clock and not a device's.

    ``epoch`` counts the assignments of this process: a record read again after a rebalance has a higher one.
    """

    topic: str
    partition: int
    offset: int
    epoch: int
    broker_time_s: float
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]

    @property
    def broker_time(self) -> datetime:
        """The broker's timestamp as an aware UTC datetime."""
        return from_epoch_ms(round(self.broker_time_s * 1000))
