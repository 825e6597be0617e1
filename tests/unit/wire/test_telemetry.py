"""The window for Prometheus and Kubernetes: what it answers, where it listens, and that it ends."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter

from tests.components.ports import is_listening
from wire.errors import ConfigurationError
from wire.telemetry import Probe, TelemetryServer


@contextmanager
def serving(**options: Probe) -> Iterator[TelemetryServer]:
    registry = CollectorRegistry()
    Counter("connector_frames", "Frames.", ["source"], registry=registry).labels("a.b.c/camera1").inc(3)
    server = TelemetryServer(registry, **options)
    try:
        yield server
    finally:
        server.close()


def test_metrics_of_the_given_registry_are_served() -> None:
    with serving() as server:
        answer = httpx.get(f"{server.url}/metrics")
    assert answer.status_code == 200
    assert 'connector_frames_total{source="a.b.c/camera1"} 3.0' in answer.text
    assert "python_gc" not in answer.text


def test_a_scraper_that_knows_open_metrics_gets_it() -> None:
    with serving() as server:
        answer = httpx.get(f"{server.url}/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_a_healthy_process_is_live_and_ready() -> None:
    with serving() as server:
        answers = [httpx.get(server.url + path) for path in ("/livez", "/readyz")]
    assert [(answer.status_code, answer.text) for answer in answers] == [(200, "ok\n"), (200, "ok\n")]


def test_a_probe_answers_with_its_reason_of_this_moment() -> None:
    reasons: dict[str, str | None] = {"live": None, "ready": "the model is being löaded"}
    with serving(live=lambda: reasons["live"], ready=lambda: reasons["ready"]) as server:
        before = httpx.get(f"{server.url}/readyz")
        reasons |= {"live": "no event for 60 s", "ready": None}
        live, after = httpx.get(f"{server.url}/livez"), httpx.get(f"{server.url}/readyz")
    assert (before.status_code, before.text) == (503, "the model is being löaded\n")
    assert (live.status_code, live.text) == (503, "no event for 60 s\n")
    assert after.status_code == 200


def test_a_probe_that_fails_is_a_reason_and_the_server_goes_on() -> None:
    def broken() -> str | None:
        raise RuntimeError("no loop")

    with serving(live=broken) as server:
        answer = httpx.get(f"{server.url}/livez")
        assert httpx.get(f"{server.url}/readyz").status_code == 200
    assert (answer.status_code, answer.text) == (503, "RuntimeError: no loop\n")


def test_any_other_path_is_not_found() -> None:
    with serving() as server:
        answer = httpx.get(server.url)
    assert (answer.status_code, answer.text) == (404, "/metrics, /livez or /readyz\n")


def test_a_client_that_says_nothing_keeps_nobody_waiting() -> None:
    with serving() as server, socket.create_connection((server.host, server.port)):
        assert httpx.get(f"{server.url}/livez").status_code == 200


def test_it_listens_on_the_loopback_address_and_ends_when_closed() -> None:
    with serving() as server:
        assert server.host == "127.0.0.1"
        assert is_listening(server.port)
        assert "telemetry" in {thread.name for thread in threading.enumerate()}
    assert not is_listening(server.port)
    assert "telemetry" not in {thread.name for thread in threading.enumerate()}


def test_a_port_that_is_taken_is_a_configuration_error() -> None:
    with (
        serving() as server,
        pytest.raises(
            ConfigurationError, match=rf"telemetry: cannot listen on 127\.0\.0\.1:{server.port}: Address already in use"
        ),
    ):
        TelemetryServer(CollectorRegistry(), port=server.port)
