"""Pixel formats: every packing by a worked example, and the worst buffers."""

import numpy as np
import pytest

from connectors.errors import RejectedInput
from connectors.genicam.pixel_format import FORMATS, to_image

CODES = {one.name: code for code, one in FORMATS.items()}


def image(name: str, data: list[int], *, width: int, height: int, padding: int = 0) -> tuple[np.ndarray, int]:
    return to_image(np.array(data, np.uint8), CODES[name], width=width, height=height, padding=padding)


@pytest.mark.parametrize(
    ("name", "data", "expected", "bits"),
    [
        ("Mono8", [1, 2, 3, 4], [[1, 2], [3, 4]], 8),
        ("Mono10", [0xFF, 0x03, 1, 0, 2, 0, 0, 0x02], [[1023, 1], [2, 512]], 10),
        ("Mono12", [0x23, 0x01, 0xFF, 0x0F, 0, 0, 1, 0], [[0x123, 4095], [0, 1]], 12),
        ("Mono16", [0x34, 0x12, 0, 0, 0xFF, 0xFF, 1, 0], [[0x1234, 0], [65535, 1]], 16),
        # p: 0x123 and 0xABC as a stream of bits from the lowest: 23, C1, AB
        ("Mono12p", [0x23, 0xC1, 0xAB, 0xFF, 0x0F, 0x00], [[0x123, 0xABC], [0xFFF, 0x000]], 12),
        # Packed: high bits of each pixel in a byte of their own, the low ones between them: 12, C3, AB
        ("Mono12Packed", [0x12, 0xC3, 0xAB, 0xFF, 0x0F, 0x00], [[0x123, 0xABC], [0xFFF, 0x000]], 12),
        # 1, 2, 3, 4 in ten bits each, from the lowest: 0x01 0x08 0x30 0x00 0x01
        ("Mono10p", [0x01, 0x08, 0x30, 0x00, 0x01], [[1, 2], [3, 4]], 10),
        # 0x3FF and 0x201 by their upper eight bits FF and 80, their lower two 3 and 1 in between
        ("Mono10Packed", [0xFF, 0x13, 0x80, 0x00, 0x00, 0x01], [[0x3FF, 0x201], [0, 4]], 10),
    ],
)  # fmt: skip
def test_grey_formats(name: str, data: list[int], expected: list[list[int]], bits: int) -> None:
    found, found_bits = image(name, data, width=2, height=2)
    assert found.tolist() == expected
    assert found_bits == bits
    assert found.dtype == (np.uint8 if bits == 8 else np.uint16)


def test_rows_of_packed_pixels_that_end_inside_a_byte_go_on_there() -> None:
    found, _ = image("Mono12p", [0x01, 0x20, 0x00, 0x03, 0x40, 0x00, 0x05, 0x60, 0x00], width=3, height=2)
    assert found.tolist() == [[1, 2, 3], [4, 5, 6]]


def test_bytes_behind_each_row_are_left_out() -> None:
    assert image("Mono8", [1, 2, 99, 3, 4, 99], width=2, height=2, padding=1)[0].tolist() == [[1, 2], [3, 4]]
    assert image("Mono8", [1, 2, 99, 3, 4], width=2, height=2, padding=1)[0].tolist() == [[1, 2], [3, 4]]


def test_colours_come_as_rgb() -> None:
    assert image("RGB8", [9, 8, 7], width=1, height=1)[0].tolist() == [[[9, 8, 7]]]
    assert image("BGR8", [9, 8, 7], width=1, height=1)[0].tolist() == [[[7, 8, 9]]]


@pytest.mark.parametrize(
    ("name", "first_is"),
    [("BayerRG8", "red"), ("BayerBG8", "blue"), ("BayerGR8", "green"), ("BayerGB8", "green")],
)
def test_a_bayer_pattern_lit_at_its_first_pixel_alone_has_that_colour(name: str, first_is: str) -> None:
    mosaic = np.zeros((8, 8), np.uint8)
    mosaic[0::2, 0::2] = 200
    rgb, _ = to_image(mosaic.ravel(), CODES[name], width=8, height=8)
    channel = ["red", "green", "blue"].index(first_is)
    assert rgb[4, 4].tolist()[channel] == 200
    assert [value for at, value in enumerate(rgb[4, 4].tolist()) if at != channel] == [0, 0]


def test_twelve_bit_bayer_keeps_twelve_bits() -> None:
    mosaic = np.full((4, 4), 4000, "<u2")
    rgb, bits = to_image(mosaic.view(np.uint8).ravel(), CODES["BayerRG12"], width=4, height=4)
    assert (rgb.dtype, rgb.shape, bits, rgb.tolist()) == (np.uint16, (4, 4, 3), 12, [[[4000] * 3] * 4] * 4)


def test_an_unknown_format_is_named_with_those_that_are_known() -> None:
    with pytest.raises(RejectedInput, match=r"pixel format 0x021e001d is none of BGR8, BGRa8, BayerBG10, .*RGB8"):
        to_image(np.zeros(4, np.uint8), 0x021E001D, width=1, height=1)


@pytest.mark.parametrize("size", [(2, 3), (0, 2), (2, -1), (70_000, 70_000)])
def test_a_buffer_that_is_too_short_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(RejectedInput, match=r"4 bytes hold no \S+ x \S+ px of Mono8"):
        to_image(np.zeros(4, np.uint8), CODES["Mono8"], width=size[0], height=size[1])


@pytest.mark.parametrize("name", ["Mono8", "Mono12p", "BayerGB10Packed"])
def test_a_picture_without_rows_is_refused(name: str) -> None:
    with pytest.raises(RejectedInput, match=rf"64 bytes hold no 7 x 0 px of {name}"):
        to_image(np.zeros(64, np.uint8), CODES[name], width=7, height=0)


@pytest.mark.parametrize(("code", "pixel"), [(0x02200016, [1, 2, 3]), (0x02200017, [3, 2, 1])])
def test_an_alpha_channel_is_left_out(code: int, pixel: list[int]) -> None:
    image, bits = to_image(np.array([1, 2, 3, 255, 1, 2, 3, 0], np.uint8), code, width=2, height=1)
    assert bits == 8
    np.testing.assert_array_equal(image, np.array([[pixel, pixel]], np.uint8))
