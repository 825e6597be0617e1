"""Metrics of the inspect role."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# From one small part on a GPU to a batch of large ones on one slow core.
_STAGE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
# An operator sees a flagged part within a second; beyond a minute the line waits for an outage.
_END_TO_END_BUCKETS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60, 300)
# Distances of normalised features lie mostly in 0..2; a recipe with other units still orders in these.
_SCORE_BUCKETS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 5, 10, 30, 100)


class InspectMetrics:
    """What inspect measures."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.frames = Counter(
            "inspect_frames_total",
            "Events by what became of them: used, quarantined, late, duplicate",
            ["line", "modality", "outcome"],
            registry=registry,
        )
        self.parts = Counter("inspect_parts_total", "Results published", ["line", "verdict"], registry=registry)
        self.inference = Histogram(
            "inspect_inference_seconds", "One call of the detector", buckets=_STAGE_BUCKETS, registry=registry
        )
        self.model_parts = Counter("inspect_model_parts_total", "Parts given to the detector", registry=registry)
        self.batch_size = Histogram(
            "inspect_batch_size", "Parts per call of the detector", buckets=(1, 2, 4, 8, 16, 32, 64), registry=registry
        )
        self.stage = Histogram(
            "inspect_stage_seconds",
            "Time of one record or part in a stage: decode, wait, evidence, publish",
            ["stage"],
            buckets=_STAGE_BUCKETS,
            registry=registry,
        )
        self.end_to_end = Histogram(
            "inspect_end_to_end_seconds",
            "First capture of a part to its published result",
            ["line"],
            buckets=_END_TO_END_BUCKETS,
            registry=registry,
        )
        self.score = Histogram(
            "inspect_anomaly_score", "Fused raw score", ["line"], buckets=_SCORE_BUCKETS, registry=registry
        )
        self.lag = Gauge("inspect_consumer_lag", "Records not finished yet", ["topic", "partition"], registry=registry)
        self.dead_letters = Counter("inspect_dlq_total", "Records put into quarantine", ["reason"], registry=registry)
        self.lost = Counter(
            "inspect_broker_lost_total", "Records that the broker dropped before they were read", registry=registry
        )
        self.bank_entries = Gauge(
            "inspect_memory_bank_entries", "Vectors in the line's memory in use", ["line"], registry=registry
        )
        self.held_bytes = Gauge("inspect_held_bytes", "Memory of parts that wait or are worked on", registry=registry)
        self.state_version = Gauge(
            "inspect_state_version", "State version in use, 0 = none", ["line", "product"], registry=registry
        )
        self.state_outdated = Gauge(
            "inspect_state_outdated",
            "1 while the version in use is not the one that was activated: this model cannot read it",
            ["line", "product"],
            registry=registry,
        )
        self.join_window = Gauge(
            "inspect_join_window_seconds", "How long the line's parts wait for a modality", ["line"], registry=registry
        )
        self.gpu_used = Gauge(
            "inspect_gpu_memory_used_bytes", "Memory in use on the detector's GPU, by everybody", ["device"],
            registry=registry,
        )  # fmt: skip
        self.gpu_total = Gauge(
            "inspect_gpu_memory_bytes", "Memory that the detector's GPU has", ["device"], registry=registry
        )
        self.model_info = Gauge(
            "inspect_model_info", "The detector in use", ["recipe", "digest", "version"], registry=registry
        )

    def watch_gpu(self, device: str, used_and_total: Callable[[], tuple[int, int]]) -> None:
        """Ask for the bytes (in use, in all) of ``device`` at each scrape."""
        self.gpu_used.labels(device).set_function(lambda: used_and_total()[0])
        self.gpu_total.labels(device).set_function(lambda: used_and_total()[1])
