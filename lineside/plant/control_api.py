"""The plant's control API on the loopback interface: its figures, end of a commissioning, faults, end of production.

    GET  /state                            figures per line
    POST /lines/<short name>/commissioned  {"product": P}: the line has learned product P
    POST /defect_rate                      {"rate": 0 to 1, "line": short name or null = all}: from the next part on
    POST /faults                           {"fault": F, "line": short name or null = all, "count": N}
    POST /start                            begin to make parts
    POST /stop                             make no further part; the OPC UA server stays

It drives a simulation and keeps no data, so it has no users; it answers JSON only, which no foreign web page can send
without the browser asking first.
"""

import asyncio
import json
import threading
from collections.abc import Callable
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from lineside.plant.faults import PLANT_WIDE, Fault
from lineside.plant.line import Line
from lineside.plant.settings import Address

_ANSWER_TIMEOUT_S: Final = 5.0
_LARGEST_REQUEST_BYTES: Final = 64 * 1024
_MOST_FAULTS_AT_ONCE: Final = 10_000


class PlantControls:
    """What can be asked of a running plant. Every method runs in the plant's event loop."""

    def __init__(self, lines: dict[str, Line], *, restart_server: Callable[[], None]) -> None:
        self._lines = lines
        self._restart_server = restart_server
        self.begun = asyncio.Event()

    def state(self) -> dict[str, Any]:
        """Figures of every line."""
        return {
            "lines": {
                line.line: {
                    **asdict(line.figures),
                    "trigger_session": line.plc.session,
                    "part_counter": line.plc.counter,
                }
                for line in self._lines.values()
            }
        }

    def commissioned(self, short_name: str, body: dict[str, Any]) -> dict[str, Any]:
        """The line has learned a product."""
        return {"resumed": self._line(short_name).resume(str(body.get("product", "")))}

    def set_defect_rate(self, body: dict[str, Any]) -> dict[str, Any]:
        """From the next part on, so many are defective."""
        rate = body.get("rate")
        if not isinstance(rate, int | float) or not 0 <= rate <= 1:
            raise ValueError(f"{rate!r} is not a share from 0 to 1")
        chosen = body.get("line")
        lines = [self._line(chosen)] if chosen else list(self._lines.values())
        for line in lines:
            line.set_defect_rate(float(rate))
        return {"rate": float(rate), "lines": [line.line for line in lines]}

    def inject(self, body: dict[str, Any]) -> dict[str, Any]:
        """Let a fault happen to the next parts of one line or of all."""
        name, count = body.get("fault"), body.get("count", 1)
        if name not in set(Fault):
            raise ValueError(f"{name!r} is not a fault; known are {', '.join(sorted(Fault))}")
        if not isinstance(count, int) or not 1 <= count <= _MOST_FAULTS_AT_ONCE:
            raise ValueError(f"{count!r} is not a number from 1 to {_MOST_FAULTS_AT_ONCE}")
        fault = Fault(name)
        chosen = body.get("line")
        lines = [self._line(chosen)] if chosen else list(self._lines.values())
        if fault in PLANT_WIDE:
            self._restart_server()
        else:
            for line in lines:
                line.dice.ask(fault, count)
        return {"fault": fault.value, "lines": [line.line for line in lines], "count": count}

    def start(self) -> dict[str, Any]:
        """Begin the production."""
        self.begun.set()
        for line in self._lines.values():
            line.begin()
        return self.state()

    def stop(self) -> dict[str, Any]:
        """End the production."""
        for line in self._lines.values():
            line.stop()
        return self.state()

    def _line(self, short_name: str) -> Line:
        if short_name not in self._lines:
            raise ValueError(f"{short_name!r} is no line of this plant; there are {', '.join(self._lines)}")
        return self._lines[short_name]


class ControlApi:
    """Serves ``PlantControls`` from a thread of its own. OSError if the port is taken."""

    def __init__(self, address: Address, controls: PlantControls, loop: asyncio.AbstractEventLoop) -> None:
        self._server = ThreadingHTTPServer((address.host, address.port), _handler(controls, loop))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="plant-control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and join the thread."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(controls: PlantControls, loop: asyncio.AbstractEventLoop) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """One request; the answer is computed in the plant's loop."""

        def do_GET(self) -> None:
            if self.path == "/state":
                self._answer(controls.state)
            else:
                self._send(HTTPStatus.NOT_FOUND, {"detail": f"there is no {self.path}"})

        def do_POST(self) -> None:
            body = self._body()
            if body is None:
                return
            pieces = self.path.strip("/").split("/")
            if self.path == "/faults":
                self._answer(lambda: controls.inject(body))
            elif self.path == "/defect_rate":
                self._answer(lambda: controls.set_defect_rate(body))
            elif self.path == "/start":
                self._answer(controls.start)
            elif self.path == "/stop":
                self._answer(controls.stop)
            elif len(pieces) == 3 and pieces[0] == "lines" and pieces[2] == "commissioned":
                self._answer(lambda: controls.commissioned(pieces[1], body))
            else:
                self._send(HTTPStatus.NOT_FOUND, {"detail": f"there is no {self.path}"})

        def _body(self) -> dict[str, Any] | None:
            length = self.headers.get("Content-Length") or "0"
            if self.headers.get_content_type() != "application/json":
                self._send(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, {"detail": "send application/json"})
            elif not length.isdigit() or int(length) > _LARGEST_REQUEST_BYTES:
                self._send(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {"detail": f"{length} bytes"})
            else:
                try:
                    body = json.loads(self.rfile.read(int(length)) or b"{}")
                except ValueError as error:
                    self._send(HTTPStatus.BAD_REQUEST, {"detail": f"not JSON: {error}"})
                    return None
                if isinstance(body, dict):
                    return body
                self._send(HTTPStatus.BAD_REQUEST, {"detail": "expected an object"})
            return None

        def _answer(self, ask: Callable[[], dict[str, Any]]) -> None:
            async def in_loop() -> dict[str, Any]:
                return ask()

            try:
                answer = asyncio.run_coroutine_threadsafe(in_loop(), loop).result(_ANSWER_TIMEOUT_S)
            except ValueError as error:
                self._send(HTTPStatus.UNPROCESSABLE_ENTITY, {"detail": str(error)})
            except FutureTimeoutError:
                self._send(HTTPStatus.SERVICE_UNAVAILABLE, {"detail": "the plant is busy"})
            else:
                self._send(HTTPStatus.OK, answer)

        def _send(self, status: HTTPStatus, content: dict[str, Any]) -> None:
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the supervisor asks every second."""

    return Handler
