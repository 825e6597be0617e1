"""One real inspect worker as a child process."""

import re
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Self

from lineside.bench.peak_memory import peak_bytes
from lineside.child import Child, ChildSpec
from lineside.ports import PortPlan
from lineside.settings_file import save
from wire.errors import MustStop

_HOST: Final = "127.0.0.1"
_ROLE: Final = "inspect"
_STOP_S: Final = 15.0
_REQUEST_S: Final = 10.0
_LOOK_EVERY_S: Final = 0.25
_SAMPLE: Final = re.compile(r"^(\w+)(?:\{[^}]*\})? (\S+)$", re.MULTILINE)


class InspectWorker:
    """``lineside worker --roles inspect`` from construction until the ``with`` block ends.

    ``settings``: content of its file (``stream.settings.WorkerSettings``) but for the telemetry address.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        port = PortPlan(0).take()
        self._url = f"http://{_HOST}:{port}"
        config = folder / "inspect.yaml"
        save(config, {**settings, "telemetry": {"host": _HOST, "port": port}})
        command = [sys.executable, "-m", "lineside", "worker", "--roles", _ROLE, "--config", str(config)]
        self._child = Child(ChildSpec(name=_ROLE, command=command, log=folder / "inspect.log"))
        self._child.start()

    def ensure_running(self) -> None:
        """MustStop with the end of its log if it is not."""
        if not self._child.running:
            raise MustStop(f"the inspect worker ended by itself:\n{self._child.last_words()}")

    def peak_bytes(self) -> int:
        """The most memory that it ever had in use (VmHWM)."""
        pid = self._child.pid
        if pid is None:
            raise MustStop(f"the inspect worker ended by itself:\n{self._child.last_words()}")
        return peak_bytes(pid)

    def metric(self, name: str) -> float:
        """Sum of a metric over all of its labels; 0 if it has none yet."""
        with urllib.request.urlopen(f"{self._url}/metrics", timeout=_REQUEST_S) as answer:
            text = answer.read().decode()
        return sum(float(value) for found, value in _SAMPLE.findall(text) if found == name)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL if that takes too long."""
        self._child.ask_to_stop()
        if not self._child.wait(_STOP_S):
            self._child.kill()
            self._child.wait(_STOP_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def wait_for(
    condition: Callable[[], bool], worker: InspectWorker, timeout_s: float, *, interval_s: float = 0.25
) -> None:
    """Wait until ``condition()`` is true; MustStop when the worker ends or time is up."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        worker.ensure_running()
        if time.monotonic() > deadline:
            raise MustStop(f"the inspect worker was not done after {timeout_s:g} s")
        time.sleep(_LOOK_EVERY_S)
