"""Every process's window for Prometheus and Kubernetes: /metrics, /livez, /readyz, in a thread of its own."""

import logging
import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

from wire.errors import ConfigurationError

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

_log = logging.getLogger(__name__)

Probe = Callable[[], str | None]

# A client that opens a connection and sends nothing would keep a thread for ever; Prometheus gives up after 10 s.
_REQUEST_TIMEOUT_S: Final = 10.0
# How often the serving thread looks whether it is to end: the longest that close() waits.
_STOP_POLL_S: Final = 0.1


class _Handler(WSGIRequestHandler):
    timeout = _REQUEST_TIMEOUT_S

    def log_message(self, format: str, *args: Any) -> None:
        _log.debug(format, *args)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False  # an open request must not hold up the end of the process


class TelemetryServer:
    """Serves from construction until ``close``, on the loopback address unless told otherwise.

    ``live`` and ``ready`` return None, or the reason why not, which is answered with status 503; they are called in
    the server's threads. An exception in one of them counts as a reason. ConfigurationError if the port is taken.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        live: Probe = lambda: None,
        ready: Probe = lambda: None,
    ) -> None:
        self._metrics = make_wsgi_app(registry)
        self._probes = {"/livez": live, "/readyz": ready}
        try:
            self._server = _Server((host, port), _Handler)
        except OSError as error:
            raise ConfigurationError([f"telemetry: cannot listen on {host}:{port}: {error.strerror}"]) from error
        self._server.set_app(self._answer)
        self.host = host
        self.port: int = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_STOP_POLL_S,), name="telemetry", daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Address of the server, without a path; a port given as 0 is the real one here."""
        return f"http://{self.host}:{self.port}"

    def close(self) -> None:
        """Stop listening and end the thread."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            return self._metrics(environ, start_response)  # type: ignore[no-any-return]  # typed as a plain callable
        probe = self._probes.get(path)
        if probe is None:
            return _text(start_response, "404 Not Found", "/metrics, /livez or /readyz")
        try:
            reason = probe()
        except Exception as error:  # foreign code: a probe that fails is an answer, not the end of the server
            _log.exception("the probe behind %s failed", path)
            reason = f"{type(error).__name__}: {error}"
        return _text(start_response, "200 OK", "ok") if reason is None else _text(start_response, _UNAVAILABLE, reason)


_UNAVAILABLE: Final = "503 Service Unavailable"


def _text(start_response: "StartResponse", status: str, text: str) -> list[bytes]:
    body = f"{text}\n".encode()
    start_response(status, [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))])
    return [body]
