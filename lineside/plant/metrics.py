"""Prometheus metrics of the virtual plant."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class PlantMetrics:
    """What a real plant would not tell: how many parts were made, and what was done to them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.parts = Counter("plant_parts", "Parts made", ["line", "defect"], registry=registry)
        self.faults = Counter("plant_faults", "Faults done to parts", ["line", "fault"], registry=registry)
        self.server_up = Gauge("plant_opcua_server_up", "1 while the OPC UA server listens", registry=registry)
