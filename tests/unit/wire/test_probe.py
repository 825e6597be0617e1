from prometheus_client import CollectorRegistry

from wire.probe import main, trouble
from wire.telemetry import TelemetryServer


def test_an_address_that_answers_is_no_trouble_and_one_that_refuses_says_why() -> None:
    server = TelemetryServer(CollectorRegistry(), ready=lambda: "waits for partitions")
    try:
        assert main([f"{server.url}/livez", f"{server.host}:{server.port}/metrics"]) == 0
        assert trouble(f"{server.url}/readyz") == f"{server.url}/readyz: HTTP 503: waits for partitions"
        assert main([f"{server.url}/livez", f"{server.url}/readyz"]) == 1
    finally:
        server.close()


def test_an_address_where_nobody_listens_is_named() -> None:
    server = TelemetryServer(CollectorRegistry())
    server.close()

    assert "Connection refused" in str(trouble(f"{server.url}/livez"))
    assert main([]) == 2
