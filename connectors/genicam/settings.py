"""Settings of one GigE Vision or USB3 Vision camera; checked without touching the network."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from pydantic import Field, model_validator

from connectors.frame_attributes import Attributes
from connectors.frame_encoding import FrameEncoding
from connectors.settings import Strict


class Trigger(StrEnum):
    """What makes the camera take a picture."""

    FREE_RUN = "free_run"  # its own clock, at ``rate_fps``
    SOFTWARE = "software"  # this connector, at ``rate_fps``
    HARDWARE = "hardware"  # a signal on ``trigger_source``


class Region(Strict):
    """Which part of the sensor is read, in px."""

    x: int = Field(default=0, ge=0)
    y: int = Field(default=0, ge=0)
    width: int = Field(ge=1)
    height: int = Field(ge=1)


class GenicamSource(Strict):
    """One camera. What is not named stays as the camera has it."""

    source: str = Field(description="<line>/<device>, e.g. plant1.hall2.line3/camera1")
    camera: str = Field(min_length=1, description="address (192.168.3.20), or the id that `discover` prints")
    producer: Path | None = Field(default=None, description="a vendor's GenTL producer (.cti); none: Aravis")
    modality: str | None = Field(default=None, min_length=1, description="default rgb, of points pointcloud")
    calibration: Path | None = Field(default=None, description="file with the versions of its calibration")
    trigger: Trigger = Trigger.FREE_RUN
    trigger_source: str = Field(default="Line1", min_length=1, description="input of the hardware trigger")
    rate_fps: float | None = Field(default=None, gt=0, le=10_000, description="frames per second; not for hardware")
    pixel_format: str | None = Field(default=None, description="GenICam name: Mono8, Mono12p, BayerRG8, RGB8, …")
    region: Region | None = Field(default=None, description="x, y, width, height in px")
    exposure_us: float | None = Field(default=None, gt=0)
    gain_db: float | None = Field(default=None, description="in the camera's own unit, mostly dB")
    # 1500 is Ethernet's own; above, every switch on the way must pass jumbo frames.
    packet_bytes: int | None = Field(default=None, ge=576, le=16_384, description="GigE; none: the largest that passes")
    # Each holds a whole picture. Fewer: a publisher that pauses costs frames sooner.
    buffers: int = Field(default=16, ge=3, le=1000, description="pictures that wait in memory")
    features: Mapping[str, str | int | float | bool] = Field(
        default_factory=dict, description="further GenICam features, set in this order"
    )
    attributes: Attributes = Field(default_factory=dict, description="travel with each frame, e.g. depthscale")
    encoding: FrameEncoding = FrameEncoding.JPEG
    jpeg_quality: int = Field(default=92, ge=1, le=100)
    # A camera that should send and sends nothing for so long is connected anew. Not for hardware triggers.
    stale_after_s: float = Field(default=5.0, gt=0, le=300)

    @model_validator(mode="after")
    def _keys_fit(self) -> "GenicamSource":
        if self.encoding is FrameEncoding.ORIGINAL:
            raise ValueError("encoding: a camera delivers pixels; take jpeg or png")
        if self.trigger is Trigger.SOFTWARE and self.rate_fps is None:
            raise ValueError("rate_fps: is missing; a software trigger fires at this rate")
        if self.trigger is Trigger.HARDWARE and self.rate_fps is not None:
            raise ValueError("rate_fps: the hardware trigger decides; remove it")
        return self
