"""What an OPC UA link tells Prometheus."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

# By the two highest bits of a status code (Part 4, 7.39); the fourth value is reserved and as bad as the third.
_QUALITIES: Final = ("good", "uncertain", "bad", "bad")
_SEVERITY_SHIFT: Final = 30


class OpcUaMetrics:
    """The metrics of all OPC UA links of a process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.connected = Gauge(
            "connector_opcua_connected", "1 while the OPC UA subscription is live", ["source"], registry=registry
        )
        self.link_state = Gauge(
            "connector_opcua_link_state", "1 for the state in which the link is", ["source", "state"], registry=registry
        )
        self.server_state = Gauge(
            "connector_opcua_server_state", "ServerState as the server tells it, 0 = Running", ["source"],
            registry=registry,
        )  # fmt: skip
        self.service_level = Gauge(
            "connector_opcua_service_level", "ServiceLevel as the server tells it, 255 = best", ["source"],
            registry=registry,
        )  # fmt: skip
        self.values = Counter(
            "connector_opcua_values", "Values that came, by quality", ["source", "quality"], registry=registry
        )
        self.gaps = Counter(
            "connector_opcua_gaps", "Times after which values may be missing", ["source"], registry=registry
        )
        self.reconnects = Counter(
            "connector_opcua_reconnects", "Times the subscription was live again after a loss", ["source"],
            registry=registry,
        )  # fmt: skip
        self.certificate_expires = Gauge(
            "connector_opcua_certificate_expiry_timestamp_seconds",
            "When a certificate ceases to be valid, seconds since 1970",
            ["source", "owner"],
            registry=registry,
        )

    def of(self, source: str, states: Sequence[str]) -> "LinkFigures":
        """The metrics of one link."""
        return LinkFigures(self, source, states)


class LinkFigures:
    """One source's share of ``OpcUaMetrics``: its label is looked up once, not with each value."""

    def __init__(self, metrics: OpcUaMetrics, source: str, states: Sequence[str]) -> None:
        self._metrics = metrics
        self._source = source
        self._states = {state: metrics.link_state.labels(source, state) for state in states}
        self._qualities = [metrics.values.labels(source, quality) for quality in _QUALITIES]
        self._connected = metrics.connected.labels(source)
        self._gaps = metrics.gaps.labels(source)
        self._reconnects = metrics.reconnects.labels(source)
        self._was_subscribed = False
        self._is_subscribed = False

    def state(self, state: str, *, subscribed: bool) -> None:
        """The link is in this state now."""
        for name, gauge in self._states.items():
            gauge.set(float(name == state))
        self._connected.set(float(subscribed))
        if subscribed and self._was_subscribed and not self._is_subscribed:
            self._reconnects.inc()
        self._was_subscribed = self._was_subscribed or subscribed
        self._is_subscribed = subscribed

    def server_status(self, state: int, service_level: int) -> None:
        """What the server says of itself."""
        self._metrics.server_state.labels(self._source).set(state)
        self._metrics.service_level.labels(self._source).set(service_level)

    def value(self, status: int) -> None:
        """One value came with this status code."""
        self._qualities[status >> _SEVERITY_SHIFT & 3].inc()

    def gap(self) -> None:
        """Values may be missing."""
        self._gaps.inc()

    def certificate_expires(self, owner: str, at: datetime) -> None:
        """``owner`` is ``own`` or ``server``."""
        self._metrics.certificate_expires.labels(self._source, owner).set(at.timestamp())
