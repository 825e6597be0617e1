"""What the origins of a replay have in common: pictures, ready to be sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from wire.frame import FrameKind


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """One encoded image, or one point cloud, and when it was taken (host clock)."""

    data: bytes
    content_type: str
    kind: FrameKind = FrameKind.IMAGE
    captured_at: datetime
    attributes: Mapping[str, str] = field(default_factory=dict)


class Pictures(Protocol):
    """Gives pictures in order. May lose (RTSP keeps the newest only), never repeats but by ``loop``."""

    def take(self, timeout_s: float) -> Picture | None:
        """The next picture, None if there is none in time or none any more. SourceUnavailable if it is away."""

    def close(self) -> None:
        """Let go of files, connections and threads."""
