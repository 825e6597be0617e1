"""A process that does nothing but inspect the same pictures over and over, when asked to."""

import contextlib
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final, Self

from lineside.bench.peak_memory import peak_bytes
from wire.errors import MustStop

_STOP_S: Final = 15.0
_LAST_BYTES: Final = 2000


class InspectingProcess:
    """From construction until the ``with`` block ends.

    The command reads a number of pictures per line, inspects as many, and answers with the seconds that it took. Its
    other output goes to ``log``. ``threads``: of OpenMP, and so of torch.
    """

    def __init__(self, command: Sequence[str], log: Path, *, threads: int) -> None:
        self._log = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, "OMP_NUM_THREADS": str(threads)},
            )

    def seconds(self, pictures: int) -> float:
        """How long inspecting that many took. MustStop with the end of its log if it ended instead."""
        requests, answers = self._pipes()
        try:
            requests.write(f"{pictures}\n")
            requests.flush()
            return float(answers.readline())
        except (BrokenPipeError, ValueError) as error:
            last = self._log.read_bytes()[-_LAST_BYTES:].decode(errors="replace")
            raise MustStop(f"{self._process.args!r} ended by itself:\n{last}") from error

    def peak_bytes(self) -> int:
        """The most memory that it ever had in use."""
        return peak_bytes(self._process.pid)

    def stop(self) -> None:
        """Close its input, which ends it; SIGKILL if that takes too long."""
        requests, answers = self._pipes()
        with contextlib.suppress(BrokenPipeError):  # it ended by itself, before it read the last request
            requests.close()
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        answers.close()

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        if self._process.stdin is None or self._process.stdout is None:
            raise MustStop("a process without pipes cannot be asked")
        return self._process.stdin, self._process.stdout

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
