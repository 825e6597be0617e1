"""Settings of the camera connector; checked without touching folder or network."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Discriminator, Field, Tag, model_validator

from connectors.frame_attributes import Attributes
from connectors.genicam.settings import GenicamSource
from connectors.replay.settings import ReplayedSource
from connectors.settings import ConnectorSettings, Strict, check_source_name
from wire.settings_file import UNION_TAG


class WatchedSource(Strict):
    """One camera or 3D sensor, and the folder into which its PC delivers."""

    source: str = Field(description="<line>/<device>, e.g. plant1.hall2.line3/camera1")
    watch: Path = Field(description="folder of the delivered files; they are removed once published")
    modality: str | None = Field(
        default=None, min_length=1, description="where the sidecar names none; default rgb, of point clouds pointcloud"
    )
    attributes: Attributes = Field(
        default_factory=dict, description="of each frame whose sidecar names others, e.g. pointscale"
    )
    calibration: Path | None = Field(default=None, description="file with the versions of its calibration")


# The key of each kind of camera that no other kind has; a tag is no part of a key in messages.
_TELLING: Final[Mapping[str, tuple[str, ...]]] = {
    f"{UNION_TAG}watched": ("watch",),
    f"{UNION_TAG}genicam": ("camera",),
    f"{UNION_TAG}replayed": ("folder", "video", "rtsp", "usb"),
}


def _kind(keys: Any) -> str | None:
    def has(key: str) -> bool:
        return key in keys if isinstance(keys, Mapping) else getattr(keys, key, None) is not None

    return next((tag for tag, telling in _TELLING.items() if any(has(key) for key in telling)), None)


CameraEntry = Annotated[
    Annotated[WatchedSource, Tag(f"{UNION_TAG}watched")]
    | Annotated[GenicamSource, Tag(f"{UNION_TAG}genicam")]
    | Annotated[ReplayedSource, Tag(f"{UNION_TAG}replayed")],
    Discriminator(
        _kind,
        custom_error_type="no_origin",
        custom_error_message="names no origin; give one of watch, camera, rtsp, usb, video, folder",
    ),
]


class CameraSettings(ConnectorSettings):
    """A file for ``python -m connectors camera``."""

    sources: tuple[CameraEntry, ...]

    @model_validator(mode="after")
    def _sources_fit(self) -> "CameraSettings":
        check_cameras(self.sources, self.line, key="sources")
        return self


def check_cameras(cameras: Sequence[CameraEntry], line: str, *, key: str) -> None:
    """ValueError if the list under ``key`` is empty, or a camera is not of ``line`` or like another one."""
    if not cameras:
        raise ValueError(f"{key}: is empty; name at least one camera")
    for number, one in enumerate(cameras):
        check_source_name(one.source, line)
        for other in cameras[:number]:
            if one.source == other.source:
                raise ValueError(f"{key}: {one.source!r} appears twice; each camera has its own name")
            if isinstance(one, WatchedSource) and isinstance(other, WatchedSource) and one.watch == other.watch:
                raise ValueError(f"{key}: two cameras watch {one.watch}; each has its own folder")
            if isinstance(one, GenicamSource) and isinstance(other, GenicamSource) and one.camera == other.camera:
                raise ValueError(f"{key}: {one.camera} appears twice; a camera has one master")
