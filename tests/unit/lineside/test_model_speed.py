import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram

from lineside.metrics.model_speed import ModelSpeed
from tests.components.ports import free_port
from wire.telemetry import TelemetryServer


def serve(port: int, *, parts: int, seconds: float) -> TelemetryServer:
    registry = CollectorRegistry()
    Counter("inspect_model_parts", "parts", registry=registry).inc(parts)
    Histogram("inspect_inference_seconds", "seconds", registry=registry).observe(seconds)
    return TelemetryServer(registry, port=port)


def test_speed_adds_up_over_a_restart_of_the_worker() -> None:
    port = free_port()
    speed = ModelSpeed(f"http://127.0.0.1:{port}/metrics")
    speed.look()  # nobody answers yet
    assert speed.parts_per_s is None

    first = serve(port, parts=10, seconds=2.0)
    speed.look()
    speed.look()
    assert speed.parts_per_s == pytest.approx(5.0)
    first.close()
    second = serve(port, parts=8, seconds=1.0)
    speed.look()
    second.close()

    assert speed.parts_per_s == pytest.approx((10 + 8) / (2.0 + 1.0))
