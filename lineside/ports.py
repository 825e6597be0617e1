"""TCP ports of the processes of a site."""

import socket
from collections.abc import Iterable

from wire.errors import ConfigurationError


class PortPlan:
    """Hands out ports on the loopback address, each once: from ``first`` upwards, or free ones if ``first`` is 0.

    Not a reservation: between the check and the child's own bind, a stranger may take the port, and the child says so.
    """

    def __init__(self, first: int) -> None:
        self._next = first
        self._given: set[int] = set()

    def take(self) -> int:
        """The next port that nobody listens on."""
        while self._next:
            port, self._next = self._next, self._next + 1
            if port > 65_535:
                raise ConfigurationError(["--telemetry-port: no free port is left above the one given"])
            if is_free(port):
                self._given.add(port)
                return port
        return self._any()

    def _any(self) -> int:
        while True:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = int(probe.getsockname()[1])
            if port not in self._given:
                self._given.add(port)
                return port


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
