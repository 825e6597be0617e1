"""A replayed origin as a camera: paced, numbered in a session of its own."""

import secrets
import time
from datetime import UTC, datetime

from connectors.captured import Captured
from connectors.replay.folder_pictures import FolderPictures
from connectors.replay.picture import Pictures
from connectors.replay.settings import ReplayedSource
from connectors.replay.video_pictures import LivePictures, VideoPictures
from wire.errors import ConfigurationError
from wire.frame import Frame, Origin
from wire.payload_files import usual_modality
from wire.timestamps import ClockOrigin


def open_replay(settings: ReplayedSource, *, line: str) -> "ReplayCamera":
    """Choose the origin that the settings name."""
    pictures: Pictures
    if settings.folder is not None:
        pictures = FolderPictures(settings, settings.folder)
    elif settings.video is not None:
        pictures = VideoPictures(settings, settings.video)
    elif settings.rtsp is not None:
        pictures = LivePictures(settings, settings.rtsp, options={"rtsp_transport": "tcp"})
    elif settings.usb is not None:
        pictures = LivePictures(settings, settings.usb, container="v4l2")
    else:
        raise ConfigurationError([f"sources: {settings.source} names no origin; give one of folder, video, rtsp, usb"])
    return ReplayCamera(settings, pictures, line=line)


class ReplayCamera:
    """A ``CameraSource`` without a counter of its own: each start is a new session, counted from 0.

    A frame that was pulled and lost in a crash is a hole in the sequence; nothing comes again under the same number.
    """

    def __init__(self, settings: ReplayedSource, pictures: Pictures, *, line: str) -> None:
        self._settings = settings
        self._pictures = pictures
        self._line = line
        # UTC for people, random digits against two starts within a second.
        self._session = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        self._sequence = 0
        self._due_s = time.monotonic()

    @property
    def name(self) -> str:
        """``<line>/<device>``."""
        return self._settings.source

    def next(self, timeout_s: float) -> Captured | None:
        """The next frame at the set rate. SourceUnavailable if the origin is away."""
        now = time.monotonic()
        if self._due_s > now + timeout_s:
            time.sleep(timeout_s)
            return None
        time.sleep(max(0.0, self._due_s - now))
        picture = self._pictures.take(timeout_s)
        if picture is None:
            return None
        interval_s = 1 / self._settings.rate_fps
        # A pause of the publisher or the origin is not made up for: the next frame is due an interval from now at best.
        self._due_s = max(self._due_s + interval_s, time.monotonic())
        origin = Origin(line=self._line, source=self.name, session=self._session, sequence=self._sequence)
        self._sequence += 1
        frame = Frame(
            origin=origin,
            kind=picture.kind,
            modality=self._settings.modality or usual_modality(picture.kind),
            captured_at=picture.captured_at,
            clock=ClockOrigin.HOST,
            content_type=picture.content_type,
            payload=picture.data,
            attributes={**self._settings.attributes, **picture.attributes},
        )
        return Captured.of_frame(frame)

    def close(self) -> None:
        """Let go of the origin."""
        self._pictures.close()
