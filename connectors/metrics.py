"""What a connector tells Prometheus."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector

# Inline frames on a local broker take about 6 ms (linger 5 ms), a claim check some ten, a broker election seconds.
_PUBLISH_BUCKETS: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


def new_registry() -> CollectorRegistry:
    """A registry of this process alone, with the interpreter's and the process's own figures."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry


class ConnectorMetrics:
    """The metrics of one connector process. ``source`` comes from its configuration, other labels from closed sets."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.frames = Counter(
            "connector_frames",
            "Events by what became of them: captured, published, spooled, dropped_<reason>, rejected_<reason>",
            ["source", "outcome"],
            registry=registry,
        )
        self.spool_bytes = Gauge("connector_spool_bytes", "Bytes that the spool holds on disk", registry=registry)
        self.spool_full = Gauge(
            "connector_spool_full", "1 while the spool refuses events or drops the oldest", registry=registry
        )
        self.held_bytes = Gauge(
            "connector_held_bytes",
            "Payload bytes in memory that neither Kafka nor the spool has yet",
            registry=registry,
        )
        self.publish_seconds = Histogram(
            "connector_publish_seconds",
            "From the hand-over of an event by its source to the broker's acknowledgement",
            buckets=_PUBLISH_BUCKETS,
            registry=registry,
        )
        self.opcua_connected = Gauge(
            "connector_opcua_connected", "1 while the OPC UA subscription is live", ["source"], registry=registry
        )
        self._counters: dict[tuple[str, str], Counter] = {}

    def count(self, source: str, outcome: str) -> None:
        """Count one event of ``source`` that came to ``outcome``."""
        counter = self._counters.get((source, outcome))
        if counter is None:
            # ``labels`` takes a lock and builds a key each time: 2 us that every frame would pay three times.
            counter = self._counters[source, outcome] = self.frames.labels(source, outcome)
        counter.inc()
