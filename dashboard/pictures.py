"""Evidence as a browser can show it: 16-bit and depth images, point clouds, heat maps, masks, thumbnails."""

import cv2
import numpy as np
from numpy.typing import NDArray

from dashboard.cloud_picture import cloud_picture
from dashboard.errors import NotDisplayable
from wire.errors import DecodeError
from wire.frame import DEPTH
from wire.image_codec import Image, decode_image, encode_jpeg, encode_png, to_u8
from wire.inspection import Evidence, EvidenceKind

# A tile on a 1280 px panel is about 150 px wide; twice that stays sharp on a high-density screen.
_THUMBNAIL_PX = 320
# Colours of the pages (theme.css): defect red for masks, the amber of warnings for what was refined into them.
_MASK_BGRA, _COARSE_BGRA = (92, 92, 255, 255), (60, 178, 242, 255)
_SHOWN_BY_BROWSERS = frozenset({"image/jpeg", "image/png", "image/bmp", "image/webp", "image/gif"})
_FULL_COUNT = 65_535
_PNG_BIT_DEPTH_AT = 24  # PNG specification 11.2.2: signature 8, length 4, "IHDR" 4, width 4, height 4

Counts = NDArray[np.uint16]


def displayable(evidence: Evidence, data: bytes, *, threshold: float | None) -> tuple[bytes, str]:
    """(bytes, content type) that every browser shows, at full size.

    Maps become a transparent heat layer whose colour is fixed by ``threshold`` (in map units): half way
    up the scale is the threshold, so a good part stays dark. Masks become a transparent red layer, coarse ones an amber
    one. Point clouds are seen from the sensor, coloured by height. NotDisplayable for sensor windows; DecodeError for
    unreadable bytes.
    """
    if evidence.kind is EvidenceKind.MAP:
        return _png(_heat(_grey(data), evidence.scale or 1.0, threshold)), "image/png"
    if evidence.kind is EvidenceKind.MASK:
        return _png(_tinted(_grey(data), _COARSE_BGRA if evidence.coarse else _MASK_BGRA)), "image/png"
    if evidence.content_type.startswith("application/json"):
        raise NotDisplayable(f"{evidence.modality} evidence is {evidence.content_type}", field="as", value="display")
    if not evidence.content_type.startswith("image/"):
        return _png(cloud_picture(data, evidence.content_type, evidence.attributes)), "image/png"
    if evidence.content_type in _SHOWN_BY_BROWSERS and not _deep_png(data) and evidence.modality != DEPTH:
        return data, evidence.content_type
    return encode_png(_eight_bit(decode_image(data), holes=evidence.modality == DEPTH)), "image/png"


def thumbnail(evidence: Evidence, data: bytes, *, threshold: float | None) -> tuple[bytes, str]:
    """A JPEG (PNG for transparent layers) of at most 320 x 320 px; errors as ``displayable``."""
    shown, content_type = displayable(evidence, data, threshold=threshold)
    pixels = cv2.imdecode(np.frombuffer(shown, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise DecodeError("image", f"{len(shown)} bytes of {content_type} are no readable image")
    height, width = pixels.shape[:2]
    shrink = min(1.0, _THUMBNAIL_PX / max(height, width))
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if shrink < 1 else pixels
    if small.ndim == 3 and small.shape[2] == 4:
        return _png(small.astype(np.uint8)), "image/png"
    return encode_jpeg(np.ascontiguousarray(small[:, :, ::-1] if small.ndim == 3 else small), quality=85), "image/jpeg"


def _grey(data: bytes) -> Counts:
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.ndim != 2:
        raise DecodeError("image", f"{len(data)} bytes are no one-channel image")
    return pixels.astype(np.uint16)


def _deep_png(data: bytes) -> bool:
    return data.startswith(b"\x89PNG") and len(data) > _PNG_BIT_DEPTH_AT and data[_PNG_BIT_DEPTH_AT] == 16


def _eight_bit(image: Image, *, holes: bool) -> NDArray[np.uint8]:
    """Stretch to the 1st..99th percentile for the eye; ``holes``: 0 means no return and stays black."""
    if image.dtype == np.uint8 and not holes:
        return to_u8(image)
    values = image.astype(np.float32)
    known = values[values > 0] if holes else values.ravel()
    if known.size == 0:
        return np.zeros(image.shape, np.uint8)
    low, high = np.percentile(known, (1, 99))
    shown = np.clip((values - low) / max(float(high - low), 1.0), 0, 1) * 255
    if holes:
        shown = np.where(values > 0, np.maximum(shown, 16), 0)
    return np.asarray(shown, np.uint8)


def _heat(counts: Counts, scale: float, threshold: float | None) -> NDArray[np.uint8]:
    """(h, w) counts -> (h, w, 4) BGRA; without a threshold the whole 16-bit range is the scale."""
    values = counts.astype(np.float32) * np.float32(scale)
    top = 2 * threshold if threshold else _FULL_COUNT * scale
    level = (np.clip(values / max(top, 1e-12), 0, 1) * 255).astype(np.uint8)
    colour = cv2.applyColorMap(level, cv2.COLORMAP_INFERNO)  # BGR
    return np.dstack([colour, level])


def _tinted(mask: Counts, colour_bgra: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    layer = np.zeros((*mask.shape, 4), np.uint8)
    layer[mask > 0] = colour_bgra
    return layer


def _png(bgr: NDArray[np.uint8]) -> bytes:
    """(H, W, 3 or 4) BGR, with or without alpha."""
    ok, encoded = cv2.imencode(".png", bgr)
    if not ok:
        raise ValueError(f"cannot encode an array of shape {bgr.shape} as PNG")
    return encoded.tobytes()
