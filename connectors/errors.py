"""Errors of the connectors, named for what the caller does next (the tree continues that of ``wire.errors``).

RetryLater
├── PublisherFull       keep the frame, wait ``retry_after_s`` and submit it again: back-pressure
└── SourceUnavailable   the device, folder, stream or PLC is away: wait and connect again
BadInput
└── RejectedInput       a file or value that cannot become an event: put it aside, count it, go on
"""

from wire.errors import BadInput, RetryLater


class PublisherFull(RetryLater):
    """The publisher holds as much as it may, in memory and in the spool; the source keeps what it has."""


class SourceUnavailable(RetryLater):
    """The other side of a source does not answer."""


class RejectedInput(BadInput):
    """What a device delivered cannot be turned into an event; ``reason`` labels the metric."""
