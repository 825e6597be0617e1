"""A configured tag: what it is for, where it lies, how it is asked for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from connectors.opcua.node_address import NodeAddress
from connectors.opcua.settings import PlcSettings


@dataclass(frozen=True, slots=True)
class Tag:
    """A configured tag: ``kind`` is ``context`` or ``sensor``."""

    kind: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MonitoredTag:
    """A tag with everything that is asked of the server."""

    tag: Tag
    address: NodeAddress
    publishing_ms: float
    sampling_ms: float
    queue_size: int
    deadband: float | None = None
    deadband_percent: float | None = None


def monitored_tags(settings: PlcSettings) -> Sequence[MonitoredTag]:
    """Every tag of a configuration."""
    return [*_context(settings), *_sensors(settings)]


def by_publishing_rate(tags: Sequence[MonitoredTag]) -> Mapping[float, Sequence[MonitoredTag]]:
    """One subscription's tags per publishing interval in milliseconds."""
    return {
        rate: [tag for tag in tags if tag.publishing_ms == rate] for rate in sorted({tag.publishing_ms for tag in tags})
    }


def _context(settings: PlcSettings) -> Iterator[MonitoredTag]:
    asked = settings.subscription
    for name, address in settings.context.paths().items():
        yield MonitoredTag(
            tag=Tag("context", name),
            address=NodeAddress.parse(address),
            publishing_ms=asked.publishing_ms,
            sampling_ms=asked.sampling_ms,
            queue_size=asked.queue_size,
        )


def _sensors(settings: PlcSettings) -> Iterator[MonitoredTag]:
    asked = settings.subscription
    for sensor in settings.sensors:
        yield MonitoredTag(
            tag=Tag("sensor", sensor.name),
            address=NodeAddress.parse(sensor.node),
            publishing_ms=sensor.publishing_ms or asked.publishing_ms,
            sampling_ms=asked.sampling_ms if sensor.sampling_ms is None else sensor.sampling_ms,
            queue_size=sensor.queue_size or asked.queue_size,
            deadband=sensor.deadband,
            deadband_percent=sensor.deadband_percent,
        )
