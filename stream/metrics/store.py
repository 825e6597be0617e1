"""Metrics of the store role."""

from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from wire.disk_room import disk_room


class StoreMetrics:
    """What store measures; parts are counted when their row is new, so that redelivery inflates no rate."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.inspections = Counter("store_inspections_total", "New rows", ["line", "verdict"], registry=registry)
        self.redelivered = Counter(
            "store_redelivered_total", "Results that had their row already", ["line"], registry=registry
        )
        self.commit = Histogram(
            "store_commit_seconds",
            "One transaction",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            registry=registry,
        )
        self.transaction_age = Gauge(
            "store_transaction_age_seconds",
            "How long the batch in hand has been waiting for the database, 0 = none is",
            registry=registry,
        )
        self.disk_free = Gauge(
            "store_disk_free_bytes", "Free bytes where the site keeps this", ["volume"], registry=registry
        )
        self.disk_total = Gauge(
            "store_disk_bytes", "Size of the disk where the site keeps this", ["volume"], registry=registry
        )
        self.end_to_end = Histogram(
            "store_end_to_end_seconds",
            "First capture of a part to its committed row",
            ["line"],
            buckets=(0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60, 300),
            registry=registry,
        )
        self.dead_letters = Counter("store_dlq_total", "Messages put into quarantine", ["reason"], registry=registry)
        self.unaccounted = Gauge(
            "store_ledger_unaccounted", "Published events without a disposition", ["line"], registry=registry
        )
        self.waiting = Gauge("store_ledger_waiting", "Events on their way through inspect", ["line"], registry=registry)
        self.gap = Gauge("store_ledger_gap", "Sequence numbers that never arrived", ["line"], registry=registry)

    def watch_disk(self, volume: str, folder: Path) -> None:
        """Look at the disk of ``folder`` at each scrape; ``volume`` says what is kept there."""
        self.disk_free.labels(volume).set_function(lambda: disk_room(folder).free)
        self.disk_total.labels(volume).set_function(lambda: disk_room(folder).total)
