"""A real OPC UA server that is not asyncua: node-opcua."""

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self

from tests.components.child_process import ChildProcess
from tests.components.ports import free_port
from tests.components.waiting import DeadlineExceeded, wait_until

VERSION = "2.182.2"
CACHE = Path(os.environ.get("LINESIDE_CACHE", "~/.cache/lineside")).expanduser()
SERVER = Path(__file__).with_name("node_opcua_server.js")

# The first start makes a key pair of 2048 bits.
START_DEADLINE_S = 60.0
STOP_DEADLINE_S = 10.0

PART_ID_NODE = "ns=1;s=PartId"
TEMPERATURE_NODE = "ns=1;s=Temperature"
COUNT_NODE = "ns=1;s=Count"


def node_opcua_modules() -> Path:
    """Return a folder with node-opcua in `node_modules`, filled by npm the first time (about 70 MB).

    Several test runs may ask at once: one installs under a lock, into a folder that gets its final name when complete.
    """
    folder = CACHE / f"node-opcua-{VERSION}"
    if (folder / "node_modules").is_dir():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"node-opcua-{VERSION}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / "node_modules").is_dir():
            return folder
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            prefix = Path(scratch) / "npm"
            prefix.mkdir()
            installed = subprocess.run(
                ["npm", "install", "--no-audit", "--no-fund", "--prefix", prefix, f"node-opcua@{VERSION}"],
                cwd=prefix,
                capture_output=True,
                text=True,
                check=False,
            )
            if installed.returncode != 0:
                raise RuntimeError(f"npm could not install node-opcua {VERSION}:\n{installed.stdout}{installed.stderr}")
            prefix.rename(folder)
    return folder


class RealNodeOpcua:
    """One node-opcua server on 127.0.0.1: part id, temperature and count change by themselves.

    It keeps its port over `stop`, `kill` and `start`; the count begins anew, as a PLC's does after a restart. Options
    (`secure`, `max_sessions`, `echo`) are explained in the server's own file.
    """

    def __init__(
        self,
        *,
        port: int | None = None,
        interval_ms: int = 100,
        secure: bool = False,
        max_sessions: int = 100,
        echo: bool = True,
    ) -> None:
        self.port = port or free_port()
        self._options = json.dumps({"secure": secure, "maxSessions": max_sessions, "echo": echo})
        self._interval_ms = interval_ms
        self._folder = Path(tempfile.mkdtemp(prefix="lineside-node-opcua-"))
        self._process: ChildProcess | None = None

    @property
    def endpoint(self) -> str:
        return f"opc.tcp://127.0.0.1:{self.port}"

    @property
    def namespace(self) -> str:
        """URI of the namespace of its nodes, which node-opcua makes from the name of the machine."""
        return next(
            line.removeprefix("namespace ")
            for line in (self._folder / "server.log").read_text(errors="replace").splitlines()
            if line.startswith("namespace ")
        )

    def taken(self) -> list[dict[str, Any]]:
        """The results that it took as a PLC, since its last start: part, verdict, late, counter, score."""
        lines = (self._folder / "server.log").read_text(errors="replace").splitlines()
        return [json.loads(line.removeprefix("took ")) for line in lines if line.startswith("took ")]

    def trust(self, certificate: Path, *, user: bool = False) -> None:
        """Believe a client's certificate, or a user's."""
        folder = self._folder / "trust" / ("users" if user else "clients")
        folder.mkdir(parents=True, exist_ok=True)
        done = folder / f"{certificate.stem}.der.done"
        done.unlink(missing_ok=True)
        draft = folder / f"{certificate.stem}.draft"
        shutil.copy(certificate, draft)
        draft.rename(folder / f"{certificate.stem}.der")
        wait_until(done.exists, STOP_DEADLINE_S, f"node-opcua to trust {certificate}")

    def start(self, *, deadline_s: float = START_DEADLINE_S) -> Self:
        """Start the server and return when it accepts sessions."""
        if self._process is not None and self._process.is_alive:
            raise RuntimeError(f"the OPC UA server on port {self.port} runs already")
        modules = node_opcua_modules()
        log_path = self._folder / "server.log"
        log_path.unlink(missing_ok=True)
        process = ChildProcess(
            ["node", SERVER, modules, str(self.port), str(self._interval_ms)],
            log_path=log_path,
            # It keeps certificates below the home folder's configuration otherwise.
            environment={
                "XDG_CONFIG_HOME": str(self._folder / "config"),
                "HOME": str(self._folder),
                "NODE_OPCUA_OPTIONS": self._options,
            },
            cwd=self._folder,
        )
        self._process = process

        def is_ready() -> bool:
            process.ensure_alive()
            return "ready" in log_path.read_text(errors="replace").splitlines()

        try:
            wait_until(is_ready, deadline_s, f"node-opcua on port {self.port} to be ready")
        except DeadlineExceeded as late:
            late.add_note(process.log_tail())
            self.close()
            raise
        return self

    def stop(self) -> None:
        """Shut down in order: sessions are told."""
        if self._process is not None:
            self._process.stop(deadline_s=STOP_DEADLINE_S)

    def kill(self) -> None:
        """End the server with SIGKILL: sessions are not told."""
        if self._process is not None:
            self._process.kill()

    def restart(self) -> None:
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop and remove what the server wrote."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()
