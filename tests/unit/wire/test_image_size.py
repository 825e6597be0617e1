"""The claimed size against the decoder's answer, for every container, and for headers made by hand."""

import struct

import cv2
import numpy as np
import pytest

from wire.errors import DecodeError
from wire.image_size import claimed_size


@pytest.mark.parametrize("extension", [".png", ".jpg", ".bmp", ".tif"])
@pytest.mark.parametrize("shape", [(7, 300), (300, 7, 3)])
def test_the_claimed_size_is_the_decoded_size(extension: str, shape: tuple[int, ...]) -> None:
    data = cv2.imencode(extension, np.zeros(shape, np.uint8))[1].tobytes()
    assert claimed_size(data) == (shape[1], shape[0])


def test_a_progressive_jpeg_with_padding_and_comments_is_understood() -> None:
    data = cv2.imencode(".jpg", np.zeros((7, 300), np.uint8), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    comment = b"\xff\xff\xfe" + struct.pack(">H", 6) + b"\xff\xc0\x00\x00"
    assert claimed_size(data[:2] + b"\xff\x01" + comment + data[2:]) == (300, 7)


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders_and_both_widths_of_tiff_are_understood(order: str) -> None:
    mark = b"II" if order == "<" else b"MM"
    short, long = (256, 3, 1), (257, 4, 1)
    classic = struct.pack(order + "2sHIHHHIHxxHHII", mark, 42, 8, 2, *short, 300, *long, 7)
    big = struct.pack(order + "2sHHHQQHHQHxxxxxxHHQQ", mark, 43, 8, 0, 16, 2, *short, 300, 257, 16, 1, 7)
    assert claimed_size(classic) == (300, 7)
    assert claimed_size(big) == (300, 7)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "0 bytes beginning with b'' are no PNG, JPEG, BMP or TIFF"),
        (b"GIF89a", "are no PNG, JPEG, BMP or TIFF"),
        (b"\xff\xd8\xff", "the header of 3 bytes is cut off"),
        (b"\xff\xd8\xff\xd9", "the header of 4 bytes is cut off"),
        (b"\xff\xd8hello", "are no PNG, JPEG, BMP or TIFF"),
        (b"\x89PNG\r\n\x1a\n", "the header of 8 bytes is cut off"),
        (b"II*\0\xff\xff\xff\xff", "the header of 8 bytes is cut off"),
        (b"II*\0" + struct.pack("<IH", 8, 0), "are no PNG, JPEG, BMP or TIFF"),
    ],
)
def test_a_header_without_a_size_is_a_decode_error(data: bytes, message: str) -> None:
    with pytest.raises(DecodeError, match=f"image: .*{message}"):
        claimed_size(data)
