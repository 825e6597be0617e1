"""The size that an image file claims in its header, read without decoding: a forged one must not fill the memory."""

import struct
from typing import Final

from wire.errors import DecodeError

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8"
_BMP: Final = b"BM"
_TIFF: Final = {b"II*\0": "<", b"MM\0*": ">"}
_BIG_TIFF: Final = {b"II+\0": "<", b"MM\0+": ">"}

# JPEG markers SOF0..SOF15 hold the size; C4, C8 and CC in their midst mean something else.
_JPEG_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_WITHOUT_LENGTH: Final = frozenset({0x01, *range(0xD0, 0xD9)})
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257
_TIFF_TYPES: Final = {3: "H", 4: "I", 16: "Q"}


def claimed_size(data: bytes) -> tuple[int, int]:
    """(width, height) in px of a PNG, JPEG, BMP or TIFF; DecodeError('image') for any other or a cut-off header."""
    try:
        size = _size(data)
    except struct.error as error:
        raise DecodeError("image", f"the header of {len(data)} bytes is cut off") from error
    if size is None:
        raise DecodeError("image", f"{len(data)} bytes beginning with {data[:8]!r} are no PNG, JPEG, BMP or TIFF")
    return size


def _size(data: bytes) -> tuple[int, int] | None:
    if data.startswith(_PNG):
        width, height = struct.unpack_from(">II", data, 16)
        return width, height
    if data.startswith(_JPEG):
        return _jpeg_size(data)
    if data.startswith(_BMP):
        width, height = struct.unpack_from("<ii", data, 18)
        return abs(width), abs(height)  # a negative height: rows from the top
    if data[:4] in _TIFF:
        return _tiff_size(data, _TIFF[data[:4]], offset="I", offset_at=4, count="H", entry_bytes=12)
    if data[:4] in _BIG_TIFF:
        return _tiff_size(data, _BIG_TIFF[data[:4]], offset="Q", offset_at=8, count="Q", entry_bytes=20)
    return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while True:
        start, marker = struct.unpack_from(">BB", data, at)
        if start != 0xFF:
            return None
        if marker == 0xFF:  # padding
            at += 1
        elif marker in _JPEG_WITHOUT_LENGTH:
            at += 2
        elif marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        else:
            at += 2 + struct.unpack_from(">H", data, at + 2)[0]


def _tiff_size(
    data: bytes, order: str, *, offset: str, offset_at: int, count: str, entry_bytes: int
) -> tuple[int, int] | None:
    """Read the first directory; classic and big TIFF differ in the widths of its fields only."""
    (at,) = struct.unpack_from(order + offset, data, offset_at)
    (entries,) = struct.unpack_from(order + count, data, at)
    at += struct.calcsize(count)
    found: dict[int, int] = {}
    for _ in range(entries):
        tag, kind = struct.unpack_from(order + "HH", data, at)
        if tag in (_TIFF_WIDTH, _TIFF_HEIGHT) and kind in _TIFF_TYPES:
            # A value is kept in the last field of its entry, which is as wide as an offset.
            value_at = at + entry_bytes - struct.calcsize(offset)
            (found[tag],) = struct.unpack_from(order + _TIFF_TYPES[kind], data, value_at)
        if len(found) == 2:
            return found[_TIFF_WIDTH], found[_TIFF_HEIGHT]
        at += entry_bytes
    return None
