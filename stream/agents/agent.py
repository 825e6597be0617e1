"""What a consumer group asks of the agent that works for it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from stream.steps.consumed import ConsumedRecord
from wire.kafka.lag import PartitionLag


class Progress(Protocol):
    """The consumer group's place in its partitions."""

    def acknowledge(self, topic: str, partition: int, epoch: int, offsets: Sequence[int]) -> None:
        """Mark records as done, so that they are not read again: in the order of offsets, each record once.

        Records of an epoch that is over are ignored: they will be read again.
        """

    def committed(self, topic: str, partition: int) -> int | None:
        """The offset from which this assignment began to read; None if the group never committed."""


class LogEnds(Protocol):
    """Where partitions begin and end, and how far the group is, asked from the broker."""

    async def __call__(self, topic: str) -> Mapping[int, PartitionLag]:
        """One entry per partition. BrokerUnavailable."""


class Agent(Protocol):
    """One role's work. All methods run on the main event loop."""

    @property
    def group(self) -> str:
        """The consumer group."""

    @property
    def topics(self) -> tuple[str, ...]:
        """What it reads."""

    @property
    def max_take(self) -> int:
        """How many records ``take`` is given at most."""

    async def run(self, progress: Progress) -> None:
        """Work in the background until cancelled; an exception ends the process. ``take`` is called only meanwhile."""

    async def take(self, records: Sequence[ConsumedRecord]) -> None:
        """Work on records, in order per partition. Returning late is back-pressure. An exception ends the process."""

    def revoked(self, epoch: int) -> None:
        """Nothing of this epoch may be acknowledged any more; what is held is dropped and will be read again."""

    def assigned(self, epoch: int) -> None:
        """Records of this epoch are coming (some may have come already)."""
