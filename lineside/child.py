"""One child process of the supervisor: started, watched, stopped; its output goes to its own log file."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

# From <linux/prctl.h>: the signal that the kernel sends to this process when its parent's thread ends.
_PR_SET_PDEATHSIG: Final = 1
# A child that lived this long had started well: the next crash begins with the shortest pause again.
_LIVED_WELL_S: Final = 60.0
_FIRST_PAUSE_S: Final = 0.5
# Longer pauses help nobody on one machine: what a child waits for (a port, a disk) comes back within seconds.
_LONGEST_PAUSE_S: Final = 15.0
# The log of a crash loop must not fill the disk; one older file is kept.
_LOG_LIMIT_BYTES: Final = 20 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class ChildSpec:
    """What to run. ``essential``: its end ends the site, since a restart could not bring back what it held."""

    name: str
    command: Sequence[str]
    log: Path
    ready_url: str | None = None
    essential: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


class Child:
    """A process with its restarts. Every method must be called from the main thread (see ``_tie_to_parent``)."""

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self.restarts = 0
        self.last_exit: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        self._started_s = 0.0
        self._pause_s = _FIRST_PAUSE_S
        self._restart_at_s: float | None = None
        self._wanted = False

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self.running and self._process else None

    @property
    def running(self) -> bool:
        """Whether the process runs now."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process."""
        self._wanted = True
        self._restart_at_s = None
        self._open_log()
        self._started_s = time.monotonic()
        self._process = subprocess.Popen(
            self.spec.command,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=_environment(self.spec.environment),
            # Its own process group: Ctrl-C in the terminal reaches the supervisor alone, which stops in order.
            process_group=0,
            preexec_fn=_tie_to_parent(os.getpid()),
        )

    def check(self) -> str | None:
        """Look after the process: notice its end, start it again when its pause is over. Something to tell, or None."""
        if not self._wanted or self._process is None:
            return None
        now_s = time.monotonic()
        if self._restart_at_s is not None:
            if now_s < self._restart_at_s:
                return None
            self.restarts += 1
            self.start()
            return f"{self.spec.name} is started again (restart {self.restarts})"
        code = self._process.poll()
        if code is None:
            return None
        self.last_exit = code
        if now_s - self._started_s > _LIVED_WELL_S:
            self._pause_s = _FIRST_PAUSE_S
        self._restart_at_s = now_s + self._pause_s
        told = f"{self.spec.name} ended ({describe_exit(code)}); next start in {self._pause_s:g} s, see {self.spec.log}"
        self._pause_s = min(_LONGEST_PAUSE_S, self._pause_s * 2)
        return told

    def ask_to_stop(self) -> None:
        """Send SIGTERM and start it no more."""
        self._wanted = False
        self._restart_at_s = None
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL and start it no more."""
        self._wanted = False
        self._restart_at_s = None
        self._signal(signal.SIGKILL)

    def wait(self, timeout_s: float) -> bool:
        """Whether the process has ended within the time."""
        if self._process is None:
            return True
        try:
            self.last_exit = self._process.wait(max(0.0, timeout_s))
        except subprocess.TimeoutExpired:
            return False
        if self._log is not None:
            self._log.close()
            self._log = None
        return True

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def _open_log(self) -> None:
        if self._log is not None:
            self._log.close()
        path = self.spec.log
        if path.exists() and path.stat().st_size > _LOG_LIMIT_BYTES:
            path.replace(path.with_suffix(".1.log"))
        self._log = path.open("ab")

    def last_words(self, lines: int = 12) -> str:
        """The end of its log, for the terminal."""
        try:
            with self.spec.log.open("rb") as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - 16_384))
                return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""


def _environment(own: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without LINESIDE_*: in a child they would win over the file written for it."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LINESIDE_")}
    return {**inherited, "PYTHONUNBUFFERED": "1", **own}


def describe_exit(code: int) -> str:
    """``exit code 2`` or ``killed by SIGKILL``."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def _tie_to_parent(parent: int) -> Callable[[], None] | None:
    """Let the kernel kill the child when the supervisor is gone, however it went. None where there is no prctl.

    The kernel watches the *thread* that forked, hence the rule that children are started from the main thread. SIGKILL,
    because a supervisor that was killed cannot see to it that anything weaker works; nothing is lost by it (DESIGN §3).
    """
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # looked up here: after the fork no import lock may be taken

    def tie() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:  # it went between fork and prctl
            os._exit(1)

    return tie
