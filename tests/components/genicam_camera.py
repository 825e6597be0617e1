"""A real GigE Vision camera on loopback: Aravis' own fake one, in a process of its own.

It listens on the standard's port 3956, so there is one at a time: tests that run side by side wait for each other.
"""

import fcntl
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from tests.components.child_process import ChildProcess
from tests.components.waiting import wait_until

PROGRAM = "arv-fake-gv-camera-0.8"
ADDRESS = "127.0.0.1"
START_DEADLINE_S = 10.0
PORT = 3956
LOCK = Path(tempfile.gettempdir()) / f"lineside-gige-vision-{os.getuid()}.lock"


@contextmanager
def gige_vision_port() -> Iterator[None]:
    """Have the one port of this machine to oneself; the test's own time limit bounds the wait for another's camera."""
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class RealGenicamCamera:
    """Formats Mono8, Mono16, RGB8 and Bayer 8; up to 50 fps at 1024 x 1024. Frame ids begin at 65401, near their wrap.

    ``lost_per_thousand`` packets never come, and it resends none.
    """

    def __init__(self, *, lost_per_thousand: int = 0, description: Path | None = None) -> None:
        self.address = ADDRESS
        self._arguments = ["-i", ADDRESS, "-s", "FAKE1", "-r", str(lost_per_thousand)]
        if description is not None:
            self._arguments += ["-g", str(description)]
        self._log = Path(tempfile.mkdtemp(prefix="lineside-camera-")) / "camera.log"
        self._process: ChildProcess | None = None
        self._port = ExitStack()

    def start(self) -> Self:
        if self._process is None:
            self._port.enter_context(gige_vision_port())
        process = self._process = ChildProcess([PROGRAM, *self._arguments], log_path=self._log)

        def answers() -> bool:
            process.ensure_alive()
            return is_udp_port_taken(PORT)

        wait_until(answers, START_DEADLINE_S, "the GigE Vision camera")
        return self

    def freeze(self) -> None:
        """Stop answering and sending, as a camera does whose cable is cut."""
        assert self._process is not None
        self._process.freeze()

    def thaw(self) -> None:
        assert self._process is not None
        self._process.thaw()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._port.close()
        self._log.unlink(missing_ok=True)
        self._log.parent.rmdir()


def is_udp_port_taken(port: int) -> bool:
    """Tell whether a process of this machine has bound the port on loopback."""
    wanted = f"0100007F:{port:04X}"
    return any(line.split()[1] == wanted for line in Path("/proc/net/udp").read_text().splitlines()[1:])


def description_with(*nodes: str, folder: Path) -> Path:
    """The fake camera's GenICam file with further nodes, whose values live in the file itself."""
    with RealGenicamCamera() as camera:
        text = subprocess.run(
            ["arv-tool-0.8", "-a", camera.address, "genicam"], capture_output=True, text=True, check=True
        ).stdout
    path = folder / "camera.xml"
    path.write_text(
        text[text.index("<") :].replace("</RegisterDescription>", "".join(nodes) + "</RegisterDescription>")
    )
    return path
