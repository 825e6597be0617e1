"""From a camera to the publisher: one thread that pulls, submits, and waits where the publisher is full."""

import threading
from typing import Final, Protocol

import structlog

from connectors.captured import Captured
from connectors.errors import PublisherFull, SourceUnavailable
from connectors.source import Submit

# How long one pull may wait for a frame: the time within which a stop is noticed.
_PULL_S: Final = 0.2


class CameraSource(Protocol):
    """The port of every camera back end: watched folder, GigE and USB3, RTSP, USB, files. Used by one thread.

    Guarantees. Sequence numbers come from the device where it counts, and never go back within a session. Order: as
    captured, within a session. May repeat: a frame that was not acknowledged before a crash comes again under the same
    (session, sequence) where the device keeps it (folder). May lose: a device without memory overwrites what is not
    pulled in time; the hole in the sequence says so. Clock: ``Frame.clock`` names whose it is. ``close`` lets go of
    the device; frames that were pulled stay valid.
    """

    @property
    def name(self) -> str:
        """``<line>/<device>``."""

    def next(self, timeout_s: float) -> Captured | None:
        """The next frame, None if none came in time. SourceUnavailable: away; call again after ``retry_after_s``."""

    def close(self) -> None:
        """Let go of the device."""


class CaptureLoop:
    """Runs one camera: a ``Source``."""

    def __init__(self, camera: CameraSource) -> None:
        self._camera = camera
        self._trouble: str | None = None
        self._log = structlog.get_logger("connectors.capture", source=camera.name)

    @property
    def name(self) -> str:
        """The camera's name."""
        return self._camera.name

    @property
    def trouble(self) -> str | None:
        """Why no frames come; None while all is well."""
        return self._trouble

    def run(self, submit: Submit, stop: threading.Event) -> None:
        """Pull and submit until ``stop`` is set."""
        try:
            while not stop.is_set():
                captured = self._pull(stop)
                if captured is not None:
                    self._hand_over(captured, submit, stop)
        finally:
            self._camera.close()

    def _pull(self, stop: threading.Event) -> Captured | None:
        try:
            captured = self._camera.next(_PULL_S)
        except SourceUnavailable as error:
            if self._trouble is None:
                self._log.warning("source_away", reason=str(error))
            self._trouble = str(error)
            stop.wait(error.retry_after_s)
            return None
        if self._trouble is not None:
            self._log.info("source_back")
            self._trouble = None
        return captured

    def _hand_over(self, captured: Captured, submit: Submit, stop: threading.Event) -> None:
        while True:
            try:
                submit(captured)
                return
            except PublisherFull as error:
                if stop.wait(error.retry_after_s):
                    return
