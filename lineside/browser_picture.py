"""Pictures of pages, made by Chromium without a window."""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from wire.errors import ConfigurationError, RetryLater

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# A cold start of Chromium on a busy machine takes some ten seconds.
_ANSWER_S: Final = 60.0
_END_S: Final = 5.0
_POLL_S: Final = 0.1
_CHUNK_BYTES: Final = 1 << 16
# Chromium reads commands from descriptor 3 and answers on 4. By way of 10 and above: neither overwrites the other.
_LAUNCHER: Final = """
import fcntl, os, sys
pipes = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3]]
os.dup2(pipes[0], 3)
os.dup2(pipes[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


def take(url: str, file: Path, *, width_px: int, height_px: int, settle_s: float) -> None:
    """Open ``url``, let it live ``settle_s`` seconds after it has loaded, write what is seen to ``file`` (PNG).

    ConfigurationError if there is no Chromium or the folder does not exist, RetryLater if the page does not open.
    """
    program = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if program is None:
        raise ConfigurationError(["screenshot: needs Chromium; on Debian and Ubuntu: apt-get install chromium"])
    if not file.resolve().parent.is_dir():
        raise ConfigurationError([f"screenshot: the folder {file.resolve().parent} does not exist"])
    with tempfile.TemporaryDirectory(prefix="lineside-chromium-", ignore_cleanup_errors=True) as profile:
        with _Browser(program, profile) as browser:
            picture = browser.picture(url, width_px, height_px, settle_s)
    file.write_bytes(picture)


class _Browser:
    """One Chromium, driven by the DevTools protocol over two pipes: no port, no driver program, no library."""

    def __init__(self, program: str, profile: str) -> None:
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        self._last_id = 0
        self._buffer = b""
        self._process = subprocess.Popen(
            [
                sys.executable, "-c", _LAUNCHER, str(theirs_in), str(theirs_out), program,
                "--remote-debugging-pipe", "--headless=new", f"--user-data-dir={profile}",
                # Containers often forbid what the sandbox needs; the page is the site's own.
                "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
            ],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(theirs_in)
        os.close(theirs_out)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def picture(self, url: str, width_px: int, height_px: int, settle_s: float) -> bytes:
        """PNG of the window's content."""
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._ask(
            "Emulation.setDeviceMetricsOverride", session, width=width_px, height=height_px, deviceScaleFactor=1,
            mobile=False,
        )  # fmt: skip
        problem = self._ask("Page.navigate", session, url=url).get("errorText")
        if problem:
            raise RetryLater(f"screenshot: {url} does not open: {problem}")
        deadline_s = time.monotonic() + _ANSWER_S
        while self._ask("Runtime.evaluate", session, expression="document.readyState")["result"]["value"] != "complete":
            if time.monotonic() > deadline_s:
                raise RetryLater(f"screenshot: {url} has not loaded within {_ANSWER_S:g} s")
            time.sleep(_POLL_S)
        time.sleep(settle_s)
        return base64.b64decode(self._ask("Page.captureScreenshot", session, format="png")["data"])

    def _ask(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and wait for its answer; events in between are passed over."""
        self._last_id += 1
        message = {"id": self._last_id, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        try:
            os.write(self._out, json.dumps(message).encode() + b"\0")
        except BrokenPipeError as error:
            raise RetryLater("screenshot: Chromium has ended; does `chromium --headless` start here?") from error
        deadline_s = time.monotonic() + _ANSWER_S
        while True:
            answer = json.loads(self._next_message(deadline_s, method))
            if answer.get("id") == self._last_id:
                if "error" in answer:
                    raise RetryLater(f"screenshot: {method}: {answer['error'].get('message')}")
                result: dict[str, Any] = answer["result"]
                return result

    def _next_message(self, deadline_s: float, method: str) -> bytes:
        """Messages end in a zero byte."""
        while b"\0" not in self._buffer:
            readable, _, _ = select.select([self._in], [], [], max(0.0, deadline_s - time.monotonic()))
            if not readable:
                raise RetryLater(f"screenshot: Chromium did not answer {method} within {_ANSWER_S:g} s")
            chunk = os.read(self._in, _CHUNK_BYTES)
            if not chunk:
                raise RetryLater("screenshot: Chromium has ended; does `chromium --headless` start here?")
            self._buffer += chunk
        message, _, self._buffer = self._buffer.partition(b"\0")
        return message
