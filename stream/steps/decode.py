"""Payload bytes to arrays; every way to fail has a reason, so that the caller can quarantine."""

import hashlib
import math
from collections.abc import Mapping

from stream.steps.content import Content
from stream.steps.point_cloud import decode_point_cloud
from wire.errors import DecodeError
from wire.frame import DEPTH, Claim, FrameKind
from wire.image_codec import decode_depth, decode_image
from wire.sensor_window import SensorWindow


def check_claim(claim: Claim, data: bytes) -> bytes:
    """The bytes behind a claim, if they are the ones that were claimed; else DecodeError('checksum')."""
    if len(data) != claim.size:
        raise DecodeError("checksum", f"{claim.ref} has {len(data)} bytes, claimed {claim.size}")
    digest = hashlib.sha256(data).hexdigest()
    if digest != claim.sha256:
        raise DecodeError("checksum", f"{claim.ref} has sha256 {digest}, claimed {claim.sha256}")
    return data


def decode_content(
    kind: FrameKind, modality: str, data: bytes, *, content_type: str, attributes: Mapping[str, str]
) -> Content:
    """Decode one payload. DecodeError('empty' | 'truncated' | 'image' | 'attribute' | 'pointcloud' | 'json')."""
    if not data:
        raise DecodeError("empty", "zero bytes")
    if kind is FrameKind.SENSOR:
        return Content(sensor=SensorWindow.from_json(data))
    if kind is FrameKind.POINTCLOUD:
        return Content(cloud=decode_point_cloud(data, content_type=content_type, attributes=attributes))
    if modality == DEPTH:
        return Content(depth_mm=decode_depth(data, mm_per_count=_depth_scale(attributes)))
    return Content(image=decode_image(data, bit_depth=_bit_depth(attributes)))


def _depth_scale(attributes: Mapping[str, str]) -> float:
    """Mm per count; a depth image without it has no meaning in mm."""
    text = attributes.get("depthscale", "")
    try:
        scale = float(text)
    except ValueError as error:
        raise DecodeError("attribute", f"ce_depthscale is {text!r}, expected mm per count") from error
    if not math.isfinite(scale) or scale <= 0:
        raise DecodeError("attribute", f"ce_depthscale is {text!r}, expected a positive number")
    return scale


def _bit_depth(attributes: Mapping[str, str]) -> int | None:
    text = attributes.get("bitdepth")
    if text is None:
        return None
    if not text.isdigit() or not 1 <= int(text) <= 16:
        raise DecodeError("attribute", f"ce_bitdepth is {text!r}, expected 1 to 16")
    return int(text)
