"""Pictures and point clouds from a folder of files."""

import time
from collections import deque
from datetime import UTC, datetime
from pathlib import Path

import structlog

from connectors.errors import SourceUnavailable
from connectors.frame_encoding import encode_file
from connectors.replay.frame_folder import list_frames
from connectors.replay.picture import Picture
from connectors.replay.settings import ReplayedSource
from wire.frame import FrameKind
from wire.payload_files import ENDINGS, payload_file


class FolderPictures:
    """Every file of a folder in order; with ``loop`` the folder is read again at its end, new files included."""

    def __init__(self, settings: ReplayedSource, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self._paths: deque[Path] = deque()
        self._listed = False
        self._log = structlog.get_logger("connectors.replay", source=settings.source)

    def take(self, timeout_s: float) -> Picture | None:
        """The next one; a file that cannot be read is logged and left out."""
        if not self._paths and not self._list():
            time.sleep(timeout_s)
            return None
        path = self._paths.popleft()
        try:
            data = path.read_bytes()
        except OSError as error:
            self._log.error("file_unreadable", file=str(path), reason=str(error))
            return None
        return self._picture(path, data)

    def _picture(self, path: Path, data: bytes) -> Picture | None:
        file = payload_file(path.name)
        if file is None:
            return None
        content_type = file.content_type
        if file.kind is FrameKind.IMAGE:
            one = self._settings
            data, content_type = encode_file(data, content_type, one.encoding, jpeg_quality=one.jpeg_quality)
        return Picture(
            data=data,
            content_type=content_type,
            kind=file.kind,
            captured_at=datetime.now(UTC),
            attributes={"filename": str(path.relative_to(self._folder))},
        )

    def _list(self) -> bool:
        if self._listed and not self._settings.loop:
            return False
        try:
            self._paths.extend(list_frames(self._folder, self._settings.order))
        except OSError as error:
            raise SourceUnavailable(f"{self._folder} cannot be read: {error.strerror}") from error
        if not self._paths:
            wanted = ", ".join(ENDINGS)
            raise SourceUnavailable(f"{self._folder} has no images or point clouds ({wanted})", retry_after_s=5.0)
        self._listed = True
        return True

    def close(self) -> None:
        """Nothing is open between two calls."""
