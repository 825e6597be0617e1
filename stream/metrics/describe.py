"""Metrics of the describe role."""

from prometheus_client import CollectorRegistry, Counter


class DescribeMetrics:
    """What describe measures."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.reports = Counter("describe_reports_total", "Reports published", ["line", "fallback"], registry=registry)
        self.dead_letters = Counter("describe_dlq_total", "Messages put into quarantine", ["reason"], registry=registry)
