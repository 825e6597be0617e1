"""Metrics of a worker process, whatever its roles."""

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector


def new_registry() -> CollectorRegistry:
    """A registry with the process's own figures (memory, CPU, descriptors)."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


class WorkerMetrics:
    """What the watchdog measures."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.loop_delay = Gauge(
            "worker_watchdog_loop_delay_seconds", "How late the main loop last answered", registry=registry
        )
        self.revived = Counter(
            "worker_watchdog_revived_total", "Consumers that were stuck and were freed", ["group"], registry=registry
        )
        self.loop_silent = Gauge(
            "worker_loop_silent_seconds", "How long the main loop has not answered", registry=registry
        )
        self.stuck = Gauge(
            "worker_stuck_seconds", "How long a consumer has been unable to go on, 0 = it works", ["group"],
            registry=registry,
        )  # fmt: skip
        self.lag_seconds = Gauge(
            "worker_consumer_lag_seconds",
            "Age, by the broker's clock, of the oldest record that was read and is not finished; 0 = none",
            ["group"],
            registry=registry,
        )
        self.assigned = Gauge(
            "worker_assigned_partitions", "Partitions this worker reads", ["group"], registry=registry
        )
