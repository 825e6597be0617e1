"""TCP ports of the processes of a site."""

import secrets
import socket
from collections.abc import Collection, Iterable
from typing import Final

from wire.errors import ConfigurationError

# Below what systems give to outgoing connections (Linux from 32768 on): one of those would take a port in the seconds
# that its process needs to start.
_ANY: Final = range(20_000, 32_000)


class PortPlan:
    """Hands out ports on the loopback address, each once: from ``first`` upwards, or from somewhere if ``first`` is 0.

    None of ``given``. Not a reservation: between the check and the child's own bind, a stranger may take the port, and
    the child says so.
    """

    def __init__(self, first: int, *, given: Collection[int] = ()) -> None:
        self._next = first or _ANY[secrets.randbelow(len(_ANY))]
        self._given = given

    def take(self) -> int:
        """The next port that nobody listens on."""
        while self._next <= 65_535:
            port, self._next = self._next, self._next + 1
            if port not in self._given and is_free(port):
                return port
        raise ConfigurationError(["--telemetry-port: no free port is left above the one given"])


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def check_free(ports: Iterable[tuple[str, int]]) -> None:
    """ConfigurationError naming the option of every port that is taken."""
    taken = [
        f"{option}: port {port} is in use; stop what listens there, or give another ({option} 0 takes a free one)"
        for option, port in ports
        if port and not is_free(port)
    ]
    if taken:
        raise ConfigurationError(taken)
