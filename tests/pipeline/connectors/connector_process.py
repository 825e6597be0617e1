"""A connector as its own process, with its configuration in a folder of the test."""

import json
import sys
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from tests.components.child_process import ChildProcess
from tests.components.ports import free_port
from tests.components.waiting import wait_until

REPOSITORY = Path(__file__).resolve().parents[3]
LINE = "plant1.hall2.line3"


class ConnectorProcess:
    """``python -m connectors KIND`` over one spool and one object folder; may be killed and started again."""

    def __init__(self, kind: str, folder: Path, *, bootstrap: str, embedded: bool = False, **keys: Any) -> None:
        self.kind = kind
        self.folder = folder
        self.port = free_port()
        self.objects = folder / "objects"
        self.spool = folder / "spool"
        self.config = folder / f"{kind}.yaml"
        self.log = folder / "connector.log"
        self.config.write_text(
            yaml.safe_dump({
                "line": LINE,
                "broker": {"bootstrap": bootstrap, "embedded": embedded},
                "objects": f"file://{self.objects}",
                "spool": {"directory": str(self.spool), **keys.pop("spool", {})},
                "telemetry": {"port": self.port},
                **keys,
            })
        )  # fmt: skip
        self._process: ChildProcess | None = None

    def start(self) -> Self:
        args = [sys.executable, "-m", "connectors", self.kind, "--config", str(self.config)]
        self._process = ChildProcess(args, log_path=self.log, cwd=REPOSITORY)
        wait_until(self._answers, 30, lambda: f"the {self.kind} connector to start\n{self.log_tail()}")
        return self

    def _answers(self) -> bool:
        assert self._process is not None
        self._process.ensure_alive()
        return self.probe("/livez") == (200, "ok")

    def probe(self, path: str) -> tuple[int, str] | None:
        """(status, text) of a telemetry address; None while nothing listens."""
        return telemetry_page(self.port, path)

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels; 0 if it is not there."""
        text = (self.probe("/metrics") or (0, ""))[1]
        return sum(
            float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.split("{")[0].split(" ")[0] == name
        )

    def is_alive(self) -> bool:
        return self._process is not None and self._process.is_alive

    def log_tail(self) -> str:
        return self._process.log_tail() if self._process is not None else ""

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def stop(self, *, deadline_s: float = 6.0) -> None:
        if self._process is not None:
            self._process.stop(deadline_s=deadline_s)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is not None:
            error.add_note(self.log_tail())
        self.kill()


def telemetry_page(port: int, path: str) -> tuple[int, str] | None:
    """(status, text) of a process's telemetry address; None while nothing listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode().strip()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode().strip()
    except OSError:
        return None


class CameraPc:
    """Delivers files as camera PCs do: image, then sidecar, each under a temporary name first."""

    def __init__(self, folder: Path, *, session: str = "cam-1") -> None:
        self.folder = folder
        self.session = session
        folder.mkdir(parents=True, exist_ok=True)

    def deliver(self, number: int, data: bytes, *, sidecar: bool = True, ending: str = "png", **keys: Any) -> None:
        name = f"{self.session}-{number:06d}"
        self._write(f"{name}.{ending}", data)
        if sidecar:
            content = {
                "image": f"{name}.{ending}",
                "session": self.session,
                "sequence": number,
                "captured_at": f"2026-03-04T05:{number // 60 % 60:02d}:{number % 60:02d}Z",
                "clock": "camera",
                **keys,
            }
            self._write(f"{name}.json", json.dumps(content).encode())

    def _write(self, name: str, data: bytes) -> None:
        draft = self.folder / f".{name}~"
        draft.write_bytes(data)
        draft.replace(self.folder / name)

    def waiting(self) -> list[str]:
        """Names of everything in the folder but ``rejected/``."""
        return sorted(path.name for path in self.folder.iterdir() if path.is_file())
