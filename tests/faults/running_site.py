"""A whole site under `lineside up`, whose processes a test may kill."""

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.request import Request, urlopen

import yaml

from lineside.site import SiteFile
from tests.components.child_process import ChildProcess, tail
from tests.components.ports import free_port
from tests.components.waiting import wait_until

# Eight interpreters, of which two load torch: two minutes on two cores that others keep busy.
START_DEADLINE_S = 240.0
PROGRAM = Path(__file__).resolve().parents[2] / ".venv" / "bin" / "lineside"


class RunningSite:
    """`lineside up`, embedded unless told otherwise; ends by itself after `duration_s` of streaming."""

    def __init__(
        self,
        folder: Path,
        *,
        duration_s: float,
        options: tuple[str, ...] = (),
        broker: str = "embedded",
        database: str | None = None,
    ) -> None:
        self.folder = folder
        self.summary_file = folder / "summary.json"
        self.killed: list[str] = []
        self._up = ChildProcess(
            [
                PROGRAM, "up", "--data-dir", folder / "site", "--broker", broker, "--port", "0",
                "--telemetry-port", "0", "--duration", str(duration_s), "--summary", self.summary_file,
                *(("--database", database) if database else ()), *options,
            ],
            log_path=folder / "up.log",
            cwd=folder,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._up.is_alive:
            self._up.stop(deadline_s=20)

    @property
    def site(self) -> SiteFile | None:
        return SiteFile.read(self.folder / "site" / "site.json")

    @property
    def truth_file(self) -> Path:
        return self.folder / "site" / "plant" / "truth.jsonl"

    def log_tail(self) -> str:
        return self._up.log_tail()

    def history(self) -> str:
        """What was killed, what the site said, and the last lines of each of its processes: for a failed assertion."""
        logs = sorted((self.folder / "site" / "logs").glob("*.log"))
        told = [f"--- {log.stem}\n{tail(log)}" for log in logs]
        return "\n".join([f"killed: {self.killed}", self.log_tail(), *told])

    def wait_until_streaming(self, *, parts: int = 5) -> None:
        """Return once the plant has made `parts` parts."""
        wait_until(
            lambda: self._alive() and self.parts_made() >= parts,
            START_DEADLINE_S,
            lambda: f"{parts} parts\n{self.log_tail()}",
        )

    def parts_made(self) -> int:
        return self.truth_file.read_bytes().count(b"\n") if self.truth_file.exists() else 0

    def processes(self, *kinds: str) -> dict[str, int]:
        """Name -> pid of the running processes whose names begin with one of `kinds`."""
        site = self.site
        pids = site.pids if site else {}
        return {name: pid for name, pid in pids.items() if name.startswith(kinds) and _exists(pid)}

    def kill(self, *kinds: str, dice: random.Random) -> str | None:
        """kill -9 one process of these kinds, chosen by `dice`; its name, None if none was running."""
        running = self.processes(*kinds)
        if not running:
            return None
        name = dice.choice(sorted(running))
        os.kill(running[name], signal.SIGKILL)
        self.killed.append(name)
        return name

    def fault(self, name: str, *, count: int = 1) -> None:
        """Ask the plant for a fault."""
        site = self.site
        assert site is not None
        request = Request(
            f"{site.plant_control}/faults",
            data=json.dumps({"fault": name, "count": count}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urlopen(request, timeout=10) as answer:
            assert answer.status == 200

    @contextmanager
    def second_worker(self, role: str) -> Iterator[None]:
        """Run one more worker of a role beside the site's own, with the same settings; SIGTERM at the end."""
        settings = yaml.safe_load((self.folder / "site" / "config" / f"{role}.yaml").read_text())
        settings["name"] = f"{role}-second"
        settings["telemetry"] = {"host": "127.0.0.1", "port": free_port()}
        config = self.folder / f"{role}-second.yaml"
        config.write_text(yaml.safe_dump(settings))
        worker = ChildProcess(
            [PROGRAM, "worker", "--roles", role, "--config", config],
            log_path=self.folder / f"{role}-second.log",
            cwd=self.folder,
        )
        try:
            yield
            worker.ensure_alive()
        finally:
            worker.stop(deadline_s=15)

    def wait_for_summary(self, deadline_s: float) -> dict[str, Any]:
        """Wait until the site has ended by itself; its summary."""
        wait_until(
            lambda: not self._up.is_alive, deadline_s, lambda: f"the site to end\n{self.log_tail()}", interval_s=0.5
        )
        assert self.summary_file.exists(), self.log_tail()
        summary: dict[str, Any] = json.loads(self.summary_file.read_text())
        return summary

    def _alive(self) -> bool:
        self._up.ensure_alive()
        return True


class Rhythm:
    """Moments at which a test does something to a running site, until its time is up."""

    def __init__(self, *, total_s: float) -> None:
        self._begun = time.monotonic()
        self._total_s = total_s

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._begun

    @property
    def is_over(self) -> bool:
        return self.elapsed_s >= self._total_s

    def wait(self, seconds: float) -> None:
        """Let the site work undisturbed for a while."""
        until = min(self.elapsed_s + seconds, self._total_s)
        wait_until(lambda: self.elapsed_s >= until, seconds + 5, "time to pass")


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
