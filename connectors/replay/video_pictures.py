"""Pictures from a video file, an RTSP or a USB camera, decoded by PyAV."""

import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import av
import numpy as np
import structlog
from numpy.typing import NDArray

from connectors.errors import SourceUnavailable
from connectors.frame_encoding import encode_array
from connectors.replay.picture import Picture
from connectors.replay.settings import ReplayedSource

# A camera that is booting answers after some seconds; one that is off costs this much of every attempt.
_OPEN_TIMEOUT_S: Final = 5.0
_RETRY_FIRST_S: Final = 0.5
_RETRY_LONGEST_S: Final = 10.0
_CLOSE_S: Final = 1.0


def _picture(frame: av.VideoFrame, settings: ReplayedSource) -> Picture:
    """Encode a decoded frame; more than 8 bits per component stay 16 bits."""
    components = frame.format.components
    deep = max(component.bits for component in components) > 8
    grey, colour = ("gray16le", "rgb48le") if deep else ("gray", "rgb24")
    array = frame.to_ndarray(format=grey if len(components) == 1 else colour)
    image: NDArray[np.uint8] | NDArray[np.uint16]
    image = array.astype(np.uint16, copy=False) if deep else array.astype(np.uint8, copy=False)
    data, content_type = encode_array(image, settings.encoding, jpeg_quality=settings.jpeg_quality)
    return Picture(data=data, content_type=content_type, captured_at=datetime.now(UTC))


class VideoPictures:
    """Every frame of a video file, in order."""

    def __init__(self, settings: ReplayedSource, path: Path) -> None:
        self._settings = settings
        self._path = path
        self._frames: Iterator[av.VideoFrame] | None = None
        self._ended = False

    def take(self, timeout_s: float) -> Picture | None:
        """The next frame; None for ever after the last one unless ``loop`` is set."""
        if self._ended:
            time.sleep(timeout_s)
            return None
        try:
            if self._frames is None:
                self._frames = self._decode()
            frame = next(self._frames, None)
        except (av.FFmpegError, OSError) as error:
            self._frames = None
            raise SourceUnavailable(f"{self._path}: {error}", retry_after_s=5.0) from error
        if frame is None:
            self._frames = None
            self._ended = not self._settings.loop
            return None
        return _picture(frame, self._settings)

    def _decode(self) -> Iterator[av.VideoFrame]:
        with av.open(str(self._path)) as container:
            yield from container.decode(video=0)

    def close(self) -> None:
        """Close the file."""
        self._frames = None


def without_login(address: str) -> str:
    """The address without user and password."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


class LivePictures:
    """The newest frame of an RTSP or USB camera; a thread of its own reads, so that no old frame waits.

    Connects again by itself, with growing pauses. A camera that sends nothing for ``stale_after_s`` counts as away.
    """

    def __init__(
        self,
        settings: ReplayedSource,
        address: str,
        *,
        container: str | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        """``container`` and ``options``: ffmpeg's name of the format, None where it finds out itself, and settings."""
        self._settings = settings
        self._address = address
        self._container = container
        self._options = dict(options or {})
        self._log = structlog.get_logger("connectors.replay", source=settings.source)
        self._condition = threading.Condition()
        self._newest: tuple[av.VideoFrame, datetime] | None = None
        self._arrived_s = time.monotonic()
        self._reason = "not connected yet"
        self._lost = False  # the last attempt failed, or the stream ended; until the next frame
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def take(self, timeout_s: float) -> Picture | None:
        """The newest frame since the last call. SourceUnavailable: lost, or none came for ``stale_after_s``."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._read, name=f"live-{self._settings.source}", daemon=True)
            self._thread.start()
        with self._condition:
            self._condition.wait_for(lambda: self._newest is not None, timeout_s)
            newest, self._newest = self._newest, None
            age_s = time.monotonic() - self._arrived_s
        if newest is None:
            if self._lost or age_s > self._settings.stale_after_s:
                raise SourceUnavailable(f"no frame for {age_s:.0f} s: {self._reason}", retry_after_s=0.1)
            return None
        frame, captured_at = newest
        picture = _picture(frame, self._settings)
        return Picture(data=picture.data, content_type=picture.content_type, captured_at=captured_at)

    def _read(self) -> None:
        pause_s = _RETRY_FIRST_S
        while not self._stop.is_set():
            try:
                for frame in self._decode():
                    pause_s = _RETRY_FIRST_S
                    with self._condition:
                        self._newest = (frame, datetime.now(UTC))
                        self._arrived_s = time.monotonic()
                        self._lost = False
                        self._condition.notify()
                    if self._stop.is_set():
                        return
                self._reason = "the stream ended"
            except (av.FFmpegError, OSError) as error:
                # The library's messages name the address, whose password is for nobody's log.
                self._reason = str(error).replace(self._address, without_login(self._address))
            self._lost = True
            self._log.warning("stream_lost", reason=self._reason, again_in_s=pause_s)
            self._stop.wait(pause_s)
            pause_s = min(pause_s * 2, _RETRY_LONGEST_S)

    def _decode(self) -> Iterator[av.VideoFrame]:
        timeouts = (_OPEN_TIMEOUT_S, self._settings.stale_after_s)
        with av.open(self._address, format=self._container, options=self._options, timeout=timeouts) as container:
            yield from container.decode(video=0)

    def close(self) -> None:
        """End the thread; a read that hangs ends with its own timeout, behind our back."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_CLOSE_S)
