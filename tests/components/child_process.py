"""One server process that a test owns: start, freeze, kill, stop, and its log."""

import atexit
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

LOG_TAIL_LINES = 40


def tail(log: Path) -> str:
    """Return the last lines of a log file, for error messages."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:])


class ChildProcess:
    """A process in a group of its own, so that a Ctrl-C of the test run does not reach it before its owner does.

    Output goes to a file: a pipe nobody reads would stop the server when it is full.
    """

    def __init__(
        self,
        args: Sequence[str | Path],
        *,
        log_path: Path,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.args = [str(arg) for arg in args]
        self.log_path = log_path
        with log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self.args,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=None if environment is None else {**os.environ, **environment},
                user=user,
                group=user,
                extra_groups=None if user is None else [],
                cwd=cwd,
                start_new_session=True,
            )
        atexit.register(self.kill)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    @property
    def status(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return self._process.poll()

    def log_tail(self) -> str:
        """Return the last lines of the output, for error messages."""
        return tail(self.log_path)

    def ensure_alive(self) -> None:
        """Raise with the log's tail if the process ended by itself: a condition to wait for would never come."""
        status = self._process.poll()
        if status is not None:
            raise RuntimeError(f"{self.args[0]} ended with status {status}:\n{self.log_tail()}")

    def freeze(self) -> None:
        """Stop the whole group with SIGSTOP: connections stay open and nothing answers."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.killpg(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """Kill the whole group with SIGKILL and reap it; without effect on a process that has ended."""
        if self.is_alive:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
        atexit.unregister(self.kill)

    def stop(self, *, deadline_s: float, with_signal: signal.Signals = signal.SIGTERM) -> None:
        """Ask the process to end, and kill its group when it does not within the deadline."""
        if self.is_alive:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(with_signal)
            try:
                self._process.wait(deadline_s)
            except subprocess.TimeoutExpired:
                self.kill()
        atexit.unregister(self.kill)
