"""Payloads as files: which names are frames of which kind, and how a payload is called in an object store."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from wire.frame import POINTCLOUD, RGB, FrameKind
from wire.image_codec import CONTENT_TYPES

# Only LAS and LAZ have registered media types.
_CLOUDS: Final[Mapping[str, str]] = {
    ".ply": "application/x-ply",
    ".pcd": "application/x-pcd",
    ".las": "application/vnd.las",
    ".laz": "application/vnd.laszip",
    ".xyz": "text/x-xyz",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class PayloadFile:
    """What the ending of a file's name says: kind and media type."""

    kind: FrameKind
    content_type: str


_FILES: Final[Mapping[str, PayloadFile]] = {
    **{ending: PayloadFile(kind=FrameKind.IMAGE, content_type=type_) for ending, type_ in CONTENT_TYPES.items()},
    **{ending: PayloadFile(kind=FrameKind.POINTCLOUD, content_type=type_) for ending, type_ in _CLOUDS.items()},
}
ENDINGS: Final = tuple(_FILES)
# Of several endings of a type the first is its usual one.
_USUAL: Final[Mapping[str, str]] = {one.content_type: ending for ending, one in reversed(list(_FILES.items()))}


def payload_file(name: str) -> PayloadFile | None:
    """What a file of this name holds, None if it is neither an image nor a point cloud. Case does not matter."""
    return _FILES.get(PurePath(name).suffix.lower())


def usual_modality(kind: FrameKind) -> str:
    """The modality of a frame of which nobody says another."""
    return POINTCLOUD if kind is FrameKind.POINTCLOUD else RGB


def usual_ending(content_type: str) -> str:
    """The ending of a file with such content, without the dot; ``bin`` where there is none."""
    return _USUAL.get(content_type, ".json" if "json" in content_type else ".bin").removeprefix(".")
