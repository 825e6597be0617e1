"""Metrics of the build role."""

from prometheus_client import CollectorRegistry, Counter, Histogram


class BuildMetrics:
    """What build measures."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.states = Counter("build_states_total", "State versions activated", ["line", "reason"], registry=registry)
        self.seconds = Histogram(
            "build_seconds",
            "One build, references read to state stored",
            buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600),
            registry=registry,
        )
        self.rejected = Counter("build_rejected_total", "Commands that could not be carried out", registry=registry)
        self.dead_letters = Counter("build_dlq_total", "Messages put into quarantine", ["reason"], registry=registry)
