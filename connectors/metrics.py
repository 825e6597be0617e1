"""What a connector tells Prometheus."""

from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector

from connectors.opcua.metrics import OpcUaMetrics
from wire.disk_room import disk_room

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
        self.spool_limit_bytes = Gauge(
            "connector_spool_limit_bytes", "Bytes that the spool may hold on disk", registry=registry
        )
        self.disk_free_bytes = Gauge("connector_disk_free_bytes", "Free bytes on the spool's disk", registry=registry)
        self.disk_bytes = Gauge("connector_disk_bytes", "Size of the spool's disk", registry=registry)
        self.info = Gauge(
            "connector_info", "Which line this connector serves: what its other metrics join with", ["line"],
            registry=registry,
        )  # fmt: skip
        self.spool_oldest_seconds = Gauge(
            "connector_spool_oldest_seconds",
            "How long the oldest event in the spool has waited, 0 if it is empty",
            registry=registry,
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
        self.opcua = OpcUaMetrics(registry)
        self.camera_connected = Gauge(
            "connector_camera_connected", "1 while a GigE or USB3 Vision camera is ours", ["source"], registry=registry
        )
        self.camera_frame_age_seconds = Gauge(
            "connector_camera_frame_age_seconds", "Since the camera's last frame, once a second", ["source"],
            registry=registry,
        )  # fmt: skip
        self.camera_stream = Counter(
            "connector_camera_stream",
            "What Aravis counts: received_packets, missing_packets, resent_packets, resend_requests, underruns (frames"
            " for which no buffer was free)",
            ["source", "count"],
            registry=registry,
        )
        self._counters: dict[tuple[str, str], Counter] = {}

    def describe(self, line: str, spool: Path, *, limit_bytes: int) -> None:
        """Say which line this is and how large its spool may grow; the spool's disk is looked at at each scrape."""
        self.info.labels(line).set(1)
        self.spool_limit_bytes.set(limit_bytes)
        self.disk_free_bytes.set_function(lambda: disk_room(spool).free)
        self.disk_bytes.set_function(lambda: disk_room(spool).total)

    def count(self, source: str, outcome: str) -> None:
        """Count one event of ``source`` that came to ``outcome``."""
        counter = self._counters.get((source, outcome))
        if counter is None:
            # ``labels`` takes a lock and builds a key each time: 2 us that every frame would pay three times.
            counter = self._counters[source, outcome] = self.frames.labels(source, outcome)
        counter.inc()
