"""Encoded images to arrays: values by hand, and a reason for every file that is not what it seems."""

import struct
import zlib
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from wire.errors import DecodeError
from wire.image_codec import decode_depth, decode_image, encode_jpeg, encode_png, to_u8

# 2 x 3 px, all values different: a swap of axes or channels shows.
RGB = np.array([[[10, 20, 30], [40, 50, 60], [70, 80, 90]], [[15, 25, 35], [45, 55, 65], [75, 85, 95]]], np.uint8)
GREY = np.array([[1, 2, 3], [4, 5, 250]], np.uint8)


def encoded(extension: str, array: NDArray[np.generic]) -> bytes:
    return bytes(cv2.imencode(extension, array)[1].tobytes())


def png(width: int, height: int, pixels: bytes) -> bytes:
    """An 8-bit RGB PNG whose header claims a size of its own."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("extension", [".png", ".bmp", ".tif"])
def test_colour_comes_back_as_rgb(extension: str) -> None:
    decoded = decode_image(encoded(extension, RGB[:, :, ::-1]))
    assert decoded.dtype == np.uint8
    assert decoded.tolist() == RGB.tolist()


def test_grey_is_repeated_over_the_channels() -> None:
    decoded = decode_image(encoded(".png", GREY))
    assert decoded.shape == (2, 3, 3)
    assert [decoded[:, :, channel].tolist() for channel in range(3)] == [GREY.tolist()] * 3


def test_alpha_is_dropped() -> None:
    alpha = np.full((2, 3, 1), 7, np.uint8)
    assert decode_image(encoded(".png", np.concatenate([RGB[:, :, ::-1], alpha], axis=2))).tolist() == RGB.tolist()


def test_sixteen_bits_keep_their_values() -> None:
    deep = RGB.astype(np.uint16) * 257
    decoded = decode_image(encoded(".png", deep[:, :, ::-1]))
    assert decoded.dtype == np.uint16
    assert decoded.tolist() == deep.tolist()
    assert to_u8(decoded).tolist() == RGB.tolist()


@pytest.mark.parametrize(("bit_depth", "factor"), [(10, 64), (12, 16), (16, 1), (None, 1)])
def test_a_camera_of_fewer_bits_uses_the_full_range(bit_depth: int | None, factor: int) -> None:
    decoded = decode_image(encoded(".png", GREY.astype(np.uint16)), bit_depth=bit_depth)
    assert decoded[:, :, 0].tolist() == (GREY.astype(int) * factor).tolist()


def test_eight_bits_are_not_shifted() -> None:
    assert decode_image(encoded(".png", GREY), bit_depth=12)[:, :, 0].tolist() == GREY.tolist()


def test_jpeg_comes_back_nearly() -> None:
    flat = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    assert np.abs(decode_image(encode_jpeg(flat)).astype(int) - flat).max() <= 3
    assert np.abs(decode_image(encode_jpeg(flat[:, :, 0])).astype(int) - 200).max() <= 3


@pytest.mark.parametrize("array", [RGB, GREY, RGB.astype(np.uint16) * 257, GREY.astype(np.uint16) * 257])
def test_png_is_written_without_loss(array: NDArray[np.uint8]) -> None:
    decoded = decode_image(encode_png(array))
    assert decoded.dtype == array.dtype
    assert decoded.tolist() == (array if array.ndim == 3 else np.stack([array] * 3, axis=2)).tolist()


def test_depth_is_in_millimetres_and_zero_is_no_return() -> None:
    depth = decode_depth(encoded(".png", np.array([[0, 1, 1000]], np.uint16)), mm_per_count=0.5)
    assert depth.dtype == np.float32
    assert np.isnan(depth[0, 0])
    assert depth[0, 1:].tolist() == [0.5, 500.0]


def test_depth_in_colour_is_refused() -> None:
    with pytest.raises(DecodeError, match=r"image: a depth image has one channel, this one has shape \(2, 3, 3\)"):
        decode_depth(encoded(".png", RGB), mm_per_count=1.0)


noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)


def middle_zeroed(data: bytes) -> bytes:
    at = len(data) // 2
    return data[:at] + bytes(20) + data[at + 20 :]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty: zero bytes"),
        (b"hello, world", "image: 12 bytes beginning with b'hello, w' are no PNG, JPEG, BMP or TIFF"),
        (bytes(10_000), "image: 10000 bytes beginning with .* are no PNG, JPEG, BMP or TIFF"),
        (encoded(".jpg", noise)[:2000], "truncated: JPEG of 2000 bytes without end mark"),
        (encoded(".png", noise)[:2000], "truncated: PNG of 2000 bytes without IEND"),
        (encoded(".bmp", noise)[:2000], "image: 2000 bytes beginning with .* are no readable image"),
        (encoded(".bmp", noise)[:20], "image: the header of 20 bytes is cut off"),
        (encoded(".tif", noise)[:2000], "image: the header of 2000 bytes is cut off"),
        (middle_zeroed(encoded(".png", noise)), "image: .* are no readable image"),
        (encoded(".tif", noise.astype(np.float32)), "image: pixel type float32 is neither 8 nor 16 bit"),
        (png(0, 5, b""), "image: .* (are no readable image|Assertion failed)"),
    ],
)
def test_a_file_that_cannot_be_understood_has_its_reason(data: bytes, message: str) -> None:
    with pytest.raises(DecodeError, match=message) as raised:
        decode_image(data)
    assert message.startswith(raised.value.reason)


def forged_bmp(data: bytes) -> bytes:
    return data[:18] + struct.pack("<ii", 20_000, -20_000) + data[26:]


def forged_tiff(data: bytes) -> bytes:
    return data.replace(struct.pack("<HHII", 256, 3, 1, 64), struct.pack("<HHII", 256, 4, 1, 10_000_000))


def forged_jpeg(data: bytes) -> bytes:
    return data.replace(struct.pack(">BHH", 8, 64, 64), struct.pack(">BHH", 8, 65_000, 65_000))


@pytest.mark.parametrize(
    ("data", "claimed"),
    [
        (png(20_000, 20_000, bytes(1000)), "20000 x 20000"),
        (forged_bmp(encoded(".bmp", noise)), "20000 x 20000"),
        (forged_tiff(encoded(".tif", noise)), "10000000 x 64"),
        (forged_jpeg(encoded(".jpg", noise)), "65000 x 65000"),
    ],
)
def test_a_forged_size_is_refused_before_decoding(data: bytes, claimed: str) -> None:
    with pytest.raises(DecodeError, match=f"image: {claimed} px is more than 144000000 px"):
        decode_image(data)


@pytest.mark.parametrize(
    ("encode", "message"),
    [
        (lambda: encode_png(np.zeros((2, 3, 7), np.uint8)), r"uint8 of shape \(2, 3, 7\) as \.png"),
        (lambda: encode_jpeg(np.zeros((0, 0), np.uint8)), r"uint8 of shape \(0, 0\) as \.jpg"),
    ],
)
def test_an_array_that_is_no_image_is_not_encoded(encode: Callable[[], bytes], message: str) -> None:
    with pytest.raises(ValueError, match=f"cannot encode {message}"):
        encode()


def test_a_png_that_claims_more_pixels_than_its_bytes_can_hold_is_truncated() -> None:
    png = bytearray(encode_png(np.zeros((8, 8), np.uint8)))
    png[16:24] = (12_000).to_bytes(4, "big") * 2
    with pytest.raises(DecodeError, match=r"truncated: PNG of \d+ bytes that claims 12000 x 12000 px"):
        decode_image(bytes(png))


def test_a_black_picture_of_any_size_is_within_what_its_bytes_can_hold() -> None:
    assert decode_image(encode_png(np.zeros((3000, 4000), np.uint8), compression=9)).shape == (3000, 4000, 3)


def test_a_png_chunk_that_ends_behind_the_file_is_truncated() -> None:
    png = bytearray(encode_png(np.zeros((8, 8), np.uint8)))
    at = bytes(png).index(b"IDAT") - 4
    png[at] = 0x80
    with pytest.raises(DecodeError, match=r"truncated: PNG of \d+ bytes with a chunk that ends at 21474\d+"):
        decode_image(bytes(png))
