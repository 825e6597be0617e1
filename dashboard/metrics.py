"""Metrics of the dashboard process."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# A page must feel instant (0.1 s) and an operator gives up after some seconds; beyond 10 s only "too slow" matters.
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class DashboardMetrics:
    """One object per process, on a registry of its own or the one it is given."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry = CollectorRegistry() if registry is None else registry
        self.requests = Counter(
            "dashboard_requests_total",
            "API requests by route, method and status",
            ["route", "method", "status"],
            registry=registry,
        )
        self.request_seconds = Histogram(
            "dashboard_request_seconds",
            "Time to the first byte of an answer",
            ["route", "method"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.commands = Counter(
            "dashboard_commands_total",
            "Commands by kind and whether Kafka took them",
            ["kind", "outcome"],
            registry=registry,
        )
        self.live_delay_seconds = Histogram(
            "dashboard_live_delay_seconds",
            "From a part's commit to its appearance in the live feed",
            buckets=_SECONDS,
            registry=registry,
        )
        self.polls_failed = Counter(
            "dashboard_polls_failed_total", "Polls of the live feed that the database did not answer", registry=registry
        )
        self.streams = Gauge("dashboard_event_streams", "Open event streams", registry=registry)
