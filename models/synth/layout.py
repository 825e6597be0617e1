"""What lies on a surface or makes up an object: pieces at fixed places, painted into planes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from models.synth.seeding import Plane

_SUBPIXEL_BITS = 4
_SUBPIXELS = 1 << _SUBPIXEL_BITS


class Outline(StrEnum):
    """How a piece is bounded."""

    ELLIPSE = "ellipse"
    RECTANGLE = "rectangle"
    POLYGON = "polygon"
    TEXT = "text"


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One piece. Lengths are in units of half the shorter side of the picture, (0, 0) is its centre.

    ``size``: half extents (ellipse, rectangle) or the height of letters (its first number); ``points`` of a polygon
    are relative to the centre. ``height_mm``: plateau above the surface; ``round_share``: 0 = flat top, 1 = a dome.
    ``cover`` < 1 lets the surface shine through; ``hole`` shows the ground instead of paint. ``group``: pieces that
    belong together; a ``loose`` group may be missing, shifted or doubled on a bad part. ``warmth``: above the part's,
    in shares of range.
    """

    outline: Outline
    x: float
    y: float
    size: tuple[float, float]
    colour: tuple[float, float, float]
    angle_deg: float = 0.0
    points: tuple[tuple[float, float], ...] = ()
    text: str = ""
    height_mm: float = 0.0
    round_share: float = 0.0
    cover: float = 1.0
    hole: bool = False
    group: int = 0
    loose: bool = False
    warmth: float = 0.0


@dataclass(eq=False)
class Planes:
    """A painted layout, all (H, W) but ``paint``: (H, W, 3), or (H, W) for a grey line, times ``cover``."""

    paint: NDArray[np.float32]
    cover: Plane
    height_mm: Plane
    warmth: Plane


def paint(pieces: Sequence[Piece], *, height: int, width: int, unit_px: float) -> Planes:
    """Paint ``pieces`` in order onto nothing, centre of the coordinates in the middle of (H, W)."""
    planes = Planes(
        paint=np.zeros((height, width, 3), np.float32),
        cover=np.zeros((height, width), np.float32),
        height_mm=np.zeros((height, width), np.float32),
        warmth=np.zeros((height, width), np.float32),
    )
    for piece in pieces:
        _paint_piece(planes, piece, unit_px)
    return planes


def _paint_piece(planes: Planes, piece: Piece, unit_px: float) -> None:
    height, width = planes.cover.shape
    centre = (width / 2 + piece.x * unit_px, height / 2 + piece.y * unit_px)
    mask = np.zeros((height, width), np.uint8)
    if piece.outline is Outline.TEXT:
        _write(mask, piece, centre, unit_px)
    else:
        cv2.fillPoly(mask, [_corners(piece, centre, unit_px)], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
    x, y, w, h = cv2.boundingRect(mask)
    if w == 0:
        return
    window = np.s_[y : y + h, x : x + w]
    share = mask[window].astype(np.float32) * np.float32(piece.cover / 255)
    rest = 1 - share
    colour = share[:, :, None] * np.array(piece.colour, np.float32)
    if piece.hole:
        planes.cover[window] *= rest
        planes.paint[window] *= rest[:, :, None]
        planes.height_mm[window] *= rest
        return
    planes.paint[window] = planes.paint[window] * rest[:, :, None] + colour
    planes.cover[window] = planes.cover[window] * rest + share
    planes.warmth[window] = planes.warmth[window] * rest + share * np.float32(piece.warmth)
    if piece.height_mm:
        top = _profile(mask[window], piece.round_share) * np.float32(piece.height_mm)
        planes.height_mm[window] = planes.height_mm[window] * rest + top


def _corners(piece: Piece, centre: tuple[float, float], unit_px: float) -> NDArray[np.int32]:
    if piece.outline is Outline.ELLIPSE:
        angles = np.linspace(0, 2 * math.pi, 48, endpoint=False)
        points = np.stack([np.cos(angles) * piece.size[0], np.sin(angles) * piece.size[1]], axis=1)
    elif piece.outline is Outline.RECTANGLE:
        points = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * np.array(piece.size)
    else:
        points = np.array(piece.points)
    turn = math.radians(piece.angle_deg)
    turned = points @ np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    return np.asarray(np.round((turned * unit_px + np.array(centre)) * _SUBPIXELS), np.int32)


def _write(mask: NDArray[np.uint8], piece: Piece, centre: tuple[float, float], unit_px: float) -> None:
    letter_px = piece.size[0] * unit_px
    scale = letter_px / 22
    thickness = max(1, round(letter_px / 9))
    (width, height), _ = cv2.getTextSize(piece.text, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
    at = (round(centre[0] - width / 2), round(centre[1] + height / 2))
    cv2.putText(mask, piece.text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, thickness, cv2.LINE_AA)


def _profile(mask: NDArray[np.uint8], round_share: float) -> Plane:
    """Height 0..1 over a piece's mask: flat, or falling towards its edge like a dome."""
    flat = mask.astype(np.float32) / np.float32(255)
    if round_share == 0:
        return flat
    inside = np.asarray(cv2.distanceTransform(np.pad((mask > 127).astype(np.uint8), 1), cv2.DIST_L2, 3), np.float32)
    inside = inside[1:-1, 1:-1]
    depth = 1 - inside / np.float32(max(float(inside.max()), 1.0))
    return np.asarray(flat * np.sqrt(np.maximum(1 - np.float32(round_share) * depth**2, 0)), np.float32)
