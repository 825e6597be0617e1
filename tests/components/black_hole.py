"""A TCP way that can swallow everything without a word: no answer, no reset, as a switch that hangs."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self


class BlackHole:
    """Forwards 127.0.0.1:`port` to another port; between `open_up` and `heal` nothing passes, new connections included.

    What was swallowed in the kernel's buffers passes after `heal`, as TCP sends it again.
    """

    def __init__(self, target_port: int) -> None:
        self._target = target_port
        self._passing = threading.Event()
        self._passing.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, name="black-hole", daemon=True).start()

    def open_up(self) -> None:
        self._passing.clear()

    def heal(self) -> None:
        self._passing.set()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                threading.Thread(target=self._join, args=(client,), name="black-hole", daemon=True).start()

    def _join(self, client: socket.socket) -> None:
        self._passing.wait()
        try:
            server = socket.create_connection(("127.0.0.1", self._target), timeout=5)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        self._sockets.append(server)
        for source, sink in ((client, server), (server, client)):
            threading.Thread(target=self._pump, args=(source, sink), name="black-hole", daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._passing.wait()
                sink.sendall(data)
        self._passing.wait()  # an end is news, too
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._passing.set()
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
