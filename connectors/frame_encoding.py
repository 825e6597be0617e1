"""How a frame travels: as it is, as JPEG or as PNG. Pure."""

from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wire.errors import DecodeError
from wire.image_codec import decode_image, encode_jpeg, encode_png, to_u8

JPEG: Final = "image/jpeg"
PNG: Final = "image/png"


class FrameEncoding(StrEnum):
    """How frames travel. 16-bit images are always PNG, because JPEG has 8 bits."""

    ORIGINAL = "original"  # files as they are; what comes as pixels (video, cameras) as JPEG
    JPEG = "jpeg"
    PNG = "png"


def encode_array(
    image: NDArray[np.uint8] | NDArray[np.uint16], encoding: FrameEncoding, *, jpeg_quality: int
) -> tuple[bytes, str]:
    """(bytes, content type) of (H, W, 3) RGB or (H, W) grey. 16 bit is always PNG; ``original`` means JPEG here."""
    if image.dtype == np.uint16 or encoding is FrameEncoding.PNG:
        return encode_png(image), PNG
    return encode_jpeg(to_u8(image), quality=jpeg_quality), JPEG


def encode_file(data: bytes, content_type: str, encoding: FrameEncoding, *, jpeg_quality: int) -> tuple[bytes, str]:
    """(bytes, content type) of an image file. What cannot be decoded passes as it is: inspect quarantines it."""
    wanted = {FrameEncoding.JPEG: JPEG, FrameEncoding.PNG: PNG}.get(encoding, content_type)
    if wanted == content_type:
        return data, content_type
    try:
        image = decode_image(data)
    except DecodeError:
        return data, content_type
    return encode_array(image, encoding, jpeg_quality=jpeg_quality)
