"""A camera's buffer as what travels: an encoded picture, or the points of a 3D camera. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from connectors.errors import RejectedInput
from connectors.frame_encoding import FrameEncoding, encode_array
from connectors.genicam.device import RawPicture
from connectors.genicam.pixel_format import to_image
from wire.frame import FrameKind

# PFNC's Coord3D_ABC32f: x, y and z of each pixel in the camera's unit, float32.
_POINTS: Final = 0x026000C0
_POINT_BYTES: Final = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class FrameContent:
    """The payload of a frame with its kind, and what a reader needs to understand it."""

    data: bytes
    content_type: str
    kind: FrameKind = FrameKind.IMAGE
    attributes: Mapping[str, str] = field(default_factory=dict)


def frame_content(raw: RawPicture, encoding: FrameEncoding, *, jpeg_quality: int) -> FrameContent:
    """Encode a picture; points go as they are. RejectedInput('pixel_format' | 'buffer')."""
    if raw.code == _POINTS:
        return _points(raw)
    image, bits = to_image(raw.data, raw.code, width=raw.width, height=raw.height, padding=raw.padding)
    data, content_type = encode_array(image, encoding, jpeg_quality=jpeg_quality)
    return FrameContent(data=data, content_type=content_type, attributes={"bitdepth": str(bits)} if bits > 8 else {})


def _points(raw: RawPicture) -> FrameContent:
    """An organised cloud; the origin stands for a pixel without return, since no surface lies inside the sensor."""
    used = raw.width * _POINT_BYTES
    stride = used + raw.padding
    if raw.width < 1 or raw.height < 1 or raw.data.size < stride * raw.height - raw.padding:
        raise RejectedInput("buffer", f"{raw.data.size} bytes hold no {raw.width} x {raw.height} points of 12 bytes")
    rows = [raw.data[stride * row : stride * row + used] for row in range(raw.height)]
    points = np.concatenate(rows).view("<f4").reshape(-1, 3)  # (H * W, 3)
    points[(points == 0).all(axis=1)] = np.nan
    return FrameContent(
        data=points.tobytes(),
        content_type="application/octet-stream",
        kind=FrameKind.POINTCLOUD,
        attributes={"pointfields": "x,y,z", "gridwidth": str(raw.width), "gridheight": str(raw.height)},
    )
