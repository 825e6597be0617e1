"""Settings of the replay connector; checked without touching files or network."""

from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from connectors.frame_attributes import Attributes
from connectors.frame_encoding import FrameEncoding
from connectors.settings import ConnectorSettings, Strict, check_source_name


class FolderOrder(StrEnum):
    """In which order the files of a folder are streamed."""

    NAME = "name"
    NORMALS_FIRST = "normals_first"  # folders of good parts first, so that a line learns from them


class ReplayedSource(Strict):
    """Exactly one of ``folder``, ``video``, ``rtsp`` and ``usb``."""

    source: str = Field(description="<line>/<device>, e.g. plant1.hall2.line3/camera1")
    folder: Path | None = Field(
        default=None, description="folder of JPEG, PNG, BMP, TIFF, PLY, PCD, LAS, LAZ and XYZ files, recursively"
    )
    video: Path | None = Field(default=None, description="a video file")
    rtsp: str | None = Field(default=None, description="rtsp://host/path of a camera; may hold user and password")
    usb: str | None = Field(default=None, pattern="^/dev/", description="a USB camera (V4L2): /dev/video0")
    modality: str | None = Field(default=None, min_length=1, description="default rgb, of point clouds pointcloud")
    attributes: Attributes = Field(default_factory=dict, description="travel with each frame, e.g. depthscale")
    calibration: Path | None = Field(default=None, description="file with the versions of its calibration")
    rate_fps: float = Field(default=5.0, gt=0, le=1000, description="frames per second; RTSP: at most so many")
    order: FolderOrder = FolderOrder.NAME
    loop: bool = Field(default=False, description="begin again at the end of a folder or file")
    encoding: FrameEncoding = FrameEncoding.ORIGINAL
    jpeg_quality: int = Field(default=92, ge=1, le=100)
    # A camera that sends nothing for so long is taken for dead and connected anew.
    stale_after_s: float = Field(default=5.0, gt=0, le=300)

    @field_validator("rtsp")
    @classmethod
    def _is_rtsp(cls, address: str | None) -> str | None:
        if address is not None and (
            urlsplit(address).scheme not in ("rtsp", "rtsps") or not urlsplit(address).hostname
        ):
            raise ValueError("is no RTSP address; write rtsp://host/path")
        return address

    @model_validator(mode="after")
    def _one_origin(self) -> "ReplayedSource":
        named = [name for name in ("folder", "video", "rtsp", "usb") if getattr(self, name) is not None]
        if len(named) != 1:
            raise ValueError(f"names {' and '.join(named) or 'no origin'}; give one of folder, video, rtsp, usb")
        return self


class ReplaySettings(ConnectorSettings):
    """A file for ``python -m connectors replay``."""

    sources: tuple[ReplayedSource, ...]

    @model_validator(mode="after")
    def _names_fit(self) -> "ReplaySettings":
        if not self.sources:
            raise ValueError("sources: is empty; name at least one")
        names = [check_source_name(one.source, self.line) for one in self.sources]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"sources: {', '.join(twice)} appears twice; each source has its own name")
        return self
