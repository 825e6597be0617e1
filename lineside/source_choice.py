"""What ``--source`` names: drawn parts, a folder of images, a video file or an RTSP camera."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from lineside.plant.image_folder import ImageFolder
from wire.errors import ConfigurationError
from wire.image_codec import CONTENT_TYPES


class SourceKind(StrEnum):
    """Who delivers the images: the virtual plant's cameras, or a replay connector.

    A video and an RTSP camera go through the replay connector, not through the plant: that is the way on which a real
    RTSP camera comes in, PyAV keeps its one home, and a stream without part triggers is what such a camera is. Each of
    its frames is a part of its own.
    """

    PROCEDURAL = "procedural"
    FOLDER = "folder"
    VIDEO = "video"
    RTSP = "rtsp"


@dataclass(frozen=True, kw_only=True)
class SourceChoice:
    """``folder`` is set for FOLDER alone, ``address`` is the video's path or the camera's URL."""

    kind: SourceKind
    folder: ImageFolder | None = None
    address: str = ""

    @property
    def has_plant(self) -> bool:
        """Whether the virtual plant makes the parts."""
        return self.kind in (SourceKind.PROCEDURAL, SourceKind.FOLDER)

    @property
    def first_product(self) -> str:
        """The product that the plant makes first; empty where nobody names products."""
        if self.kind is SourceKind.PROCEDURAL:
            return "A"
        return self.folder.directory.resolve().name if self.folder is not None else ""

    @classmethod
    def parse(cls, text: str) -> "SourceChoice":
        """Look at what ``text`` names. ConfigurationError if it is nothing that can be streamed."""
        if text == SourceKind.PROCEDURAL:
            return cls(kind=SourceKind.PROCEDURAL)
        if text.startswith(("rtsp://", "rtsps://")):
            return cls(kind=SourceKind.RTSP, address=text)
        path = Path(text)
        if path.is_dir():
            return cls(kind=SourceKind.FOLDER, folder=ImageFolder.scan(path))
        if not path.exists():
            raise ConfigurationError(
                [f"--source: {text} does not exist; give procedural, a folder, a video file or rtsp://HOST/PATH"]
            )
        if path.suffix.lower() in CONTENT_TYPES:
            raise ConfigurationError([f"--source: {text} is one image; give the folder that it lies in"])
        return cls(kind=SourceKind.VIDEO, address=str(path.resolve()))
