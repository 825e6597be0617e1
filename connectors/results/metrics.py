"""What the result writer tells Prometheus."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

# A verdict is of use while its part has not reached the ejector: fractions of a second to some seconds.
_BUCKETS: Final = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)


class ResultMetrics:
    """The metrics of one result writer."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.results = Counter(
            "result_writer_results", "Verdicts by what became of them", ["line", "outcome"], registry=registry
        )
        self.late = Counter(
            "result_writer_late", "Verdicts that were written behind their deadline", ["line"], registry=registry
        )
        self.missed = Counter(
            "result_writer_missed",
            "Verdicts that the PLC did not have at their deadline: late, unacknowledged, refused, uncertain or expired",
            ["line"],
            registry=registry,
        )
        self.seconds = Histogram(
            "result_writer_seconds", "From the part's trigger to the end of the write, echo included", ["line"],
            buckets=_BUCKETS, registry=registry,
        )  # fmt: skip
        self.waiting = Gauge("result_writer_waiting", "Verdicts not yet decided about", ["line"], registry=registry)
        self.connected = Gauge(
            "result_writer_connected", "1 while the PLC can be written to", ["line"], registry=registry
        )
        self.events = Counter("result_writer_events", "ResultReady events raised", ["line"], registry=registry)
        self.unreadable = Counter("result_writer_unreadable", "Records that are no result", registry=registry)
