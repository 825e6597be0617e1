"""Free loopback ports."""

import itertools
import os
import socket
from collections.abc import Iterator
from functools import cache

# Below what Linux hands out by itself (32768 on), so that no outgoing connection takes one before its owner binds it.
# From 20 000 on `lineside.ports` takes them for the processes of a site.
FIRST, LAST = 10_000, 20_000
# Test processes that run side by side (pytest-xdist numbers them: gw0, gw1, …) take from stretches of their own.
WORKERS = 8
STRETCH = (LAST - FIRST) // WORKERS


@cache
def _candidates() -> Iterator[int]:
    begin = FIRST + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % WORKERS * STRETCH
    # Another test run on this machine begins elsewhere.
    turn = os.getpid() * 97 % STRETCH
    return itertools.cycle([*range(begin + turn, begin + STRETCH), *range(begin, begin + turn)])


def free_ports(count: int) -> list[int]:
    """Return `count` different TCP ports of 127.0.0.1 that nobody listens on now, and none that was returned lately."""
    ports: list[int] = []
    while len(ports) < count:
        port = next(_candidates())
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.append(port)
    return ports


def free_port() -> int:
    """Return one free TCP port of 127.0.0.1."""
    return free_ports(1)[0]


def is_listening(port: int) -> bool:
    """Tell whether something accepts connections on 127.0.0.1:port."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0
