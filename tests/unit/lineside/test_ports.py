"""Ports of a site's processes: free ones, each once, none that an outgoing connection could take before its owner."""

import socket

import pytest

from lineside.ports import PortPlan
from tests.components.ports import free_port
from wire.errors import ConfigurationError


def test_ports_go_upwards_from_the_first_and_leave_out_what_is_given_or_in_use() -> None:
    first = free_port()
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", first + 1))
        busy.listen()
        plan = PortPlan(first, given=[first + 2])
        ports = [plan.take() for _ in range(3)]
    assert ports[0] == first
    assert ports == sorted(set(ports))
    assert not {first + 1, first + 2} & set(ports)


def test_any_ports_lie_below_those_of_outgoing_connections() -> None:
    """A site waits seconds for a process to bind: a port of the system's own choice may be a connection's by then."""
    taken = [PortPlan(0).take() for _ in range(50)]
    assert all(20_000 <= port < 32_768 for port in taken)
    # Two sites that start together begin elsewhere.
    assert len(set(taken)) > 40


def test_no_port_above_the_first_is_said() -> None:
    plan = PortPlan(65_536)
    with pytest.raises(ConfigurationError, match="--telemetry-port: no free port is left"):
        plan.take()
