"""GenICam pixel formats (PFNC 2.x codes) as images. Pure."""

from dataclasses import dataclass
from enum import Enum
from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from connectors.errors import RejectedInput
from wire.image_codec import Image


class Packing(Enum):
    """How the bits of neighbouring pixels share bytes."""

    NONE = "none"  # one or two bytes per component, little-endian
    LSB = "p"  # PFNC's "p": a bit stream, least significant bit first
    GIGE = "Packed"  # GigE Vision 1.x: two pixels in three bytes, their low bits in the middle one


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """One format: significant bits, packing, and how components become colours (an OpenCV code)."""

    name: str
    bits: int
    packing: Packing = Packing.NONE
    channels: int = 1
    to_rgb: int | None = None

    @property
    def bits_in_memory(self) -> int:
        """Bits that one pixel takes in the buffer."""
        if self.packing is Packing.GIGE:
            return 12  # 10-bit pixels too
        return self.channels * (self.bits if self.packing is Packing.LSB else 8 if self.bits == 8 else 16)


_BAYER: Final = {
    "GR": cv2.COLOR_BayerGRBG2RGB, "RG": cv2.COLOR_BayerRGGB2RGB,
    "GB": cv2.COLOR_BayerGBRG2RGB, "BG": cv2.COLOR_BayerBGGR2RGB,
}  # fmt: skip


def _bayer(first_code: int, order: str, bits: int, packing: Packing, step: int = 1) -> dict[int, PixelFormat]:
    """The four phases of one depth, whose codes follow each other in ``order``."""
    return {
        first_code + step * at: PixelFormat(f"Bayer{phase}{bits}{_suffix(packing)}", bits, packing, 1, _BAYER[phase])
        for at, phase in enumerate(order.split())
    }


def _suffix(packing: Packing) -> str:
    return "" if packing is Packing.NONE else packing.value


FORMATS: Final[dict[int, PixelFormat]] = {
    0x01080001: PixelFormat("Mono8", 8),
    0x01100003: PixelFormat("Mono10", 10),
    0x01100005: PixelFormat("Mono12", 12),
    0x01100025: PixelFormat("Mono14", 14),
    0x01100007: PixelFormat("Mono16", 16),
    0x010C0004: PixelFormat("Mono10Packed", 10, Packing.GIGE),
    0x010C0006: PixelFormat("Mono12Packed", 12, Packing.GIGE),
    0x010A0046: PixelFormat("Mono10p", 10, Packing.LSB),
    0x010C0047: PixelFormat("Mono12p", 12, Packing.LSB),
    0x011000B8: PixelFormat("Coord3D_C16", 16),
    0x02180014: PixelFormat("RGB8", 8, channels=3),
    0x02180015: PixelFormat("BGR8", 8, channels=3, to_rgb=cv2.COLOR_BGR2RGB),
    0x02200016: PixelFormat("RGBa8", 8, channels=4, to_rgb=cv2.COLOR_RGBA2RGB),
    0x02200017: PixelFormat("BGRa8", 8, channels=4, to_rgb=cv2.COLOR_BGRA2RGB),
    **_bayer(0x01080008, "GR RG GB BG", 8, Packing.NONE),
    **_bayer(0x0110000C, "GR RG GB BG", 10, Packing.NONE),
    **_bayer(0x01100010, "GR RG GB BG", 12, Packing.NONE),
    **_bayer(0x0110002E, "GR RG GB BG", 16, Packing.NONE),
    **_bayer(0x010C0026, "GR RG GB BG", 10, Packing.GIGE),
    **_bayer(0x010C002A, "GR RG GB BG", 12, Packing.GIGE),
    **_bayer(0x010A0052, "BG GB GR RG", 10, Packing.LSB, step=2),
    **_bayer(0x010C0053, "BG GB GR RG", 12, Packing.LSB, step=2),
}
NAMES: Final = tuple(sorted(one.name for one in FORMATS.values()))


def to_image(data: NDArray[np.uint8], code: int, *, width: int, height: int, padding: int = 0) -> tuple[Image, int]:
    """(image, significant bits): (H, W) grey or (H, W, 3) RGB, uint8 for 8 bits, else uint16.

    ``data`` (N,) is a buffer as it came; ``padding`` are bytes behind each row. Values are kept as they are, also in
    16-bit containers; Bayer patterns are interpolated. RejectedInput('pixel_format' | 'buffer').
    """
    kind = FORMATS.get(code)
    if kind is None:
        raise RejectedInput("pixel_format", f"pixel format 0x{code:08x} is none of {', '.join(NAMES)}")
    pixels: Image
    rows = _rows(data, kind, width=width, height=height, padding=padding)
    if kind.packing is not Packing.NONE:
        pixels = _unpack(rows, kind)[:, : width * height // rows.shape[0]]
    elif kind.bits > 8:
        pixels = rows.view("<u2").astype(np.uint16, copy=False)
    else:
        pixels = rows
    pixels = pixels.reshape((height, width) if kind.channels == 1 else (height, width, kind.channels))
    if kind.to_rgb is not None:
        pixels = cast(Image, cv2.cvtColor(pixels, kind.to_rgb))
    return pixels, kind.bits


def _rows(data: NDArray[np.uint8], kind: PixelFormat, *, width: int, height: int, padding: int) -> NDArray[np.uint8]:
    """(H, bytes) without padding; (1, bytes) where a packed row ends inside a byte and the next one goes on there."""
    refused = RejectedInput("buffer", f"{data.size} bytes hold no {width} x {height} px of {kind.name}")
    if width < 1 or height < 1:
        raise refused
    row_bits = width * kind.bits_in_memory
    if row_bits % 8 and padding == 0:
        height, row_bits = 1, row_bits * height
    used = -(-row_bits // 8)
    stride = used + padding
    if data.size < stride * height - padding:
        raise refused
    if padding == 0:
        return np.ascontiguousarray(data[: stride * height].reshape(height, stride))
    padded = np.zeros(stride * height, np.uint8)
    padded[: min(data.size, padded.size)] = data[: padded.size]
    return np.ascontiguousarray(padded.reshape(height, stride)[:, :used])


def _unpack(rows: NDArray[np.uint8], kind: PixelFormat) -> NDArray[np.uint16]:
    """(R, bytes) -> (R, at least as many pixels as were packed) uint16."""
    group = 5 if kind.packing is Packing.LSB and kind.bits == 10 else 3
    missing = -rows.shape[1] % group
    padded = np.pad(rows, ((0, 0), (0, missing))).reshape(rows.shape[0], -1, group).astype(np.uint16)  # (R, G, bytes)
    byte = [padded[:, :, at] for at in range(group)]
    if kind.packing is Packing.GIGE:
        low = kind.bits - 8
        mask = np.uint16((1 << low) - 1)
        pixels = [byte[0] << low | byte[1] & mask, byte[2] << low | byte[1] >> 4 & mask]
    elif kind.bits == 12:
        pixels = [byte[0] | (byte[1] & 0x0F) << 8, byte[1] >> 4 | byte[2] << 4]
    else:
        pixels = [
            byte[0] | (byte[1] & 0x03) << 8,
            byte[1] >> 2 | (byte[2] & 0x0F) << 6,
            byte[2] >> 4 | (byte[3] & 0x3F) << 4,
            byte[3] >> 6 | byte[4] << 2,
        ]
    return np.stack(pixels, axis=2).astype(np.uint16).reshape(rows.shape[0], -1)
