"""A picture sheet of drawn lines, for people to look at: rows are lines, columns are parts."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.synth.defect import MODALITIES
from models.synth.line import draw_part
from models.synth.part import SynthPart
from models.synth.random_defects import random_defects
from models.synth.seeding import stream
from models.synth.setting import LineSetting
from wire.frame import DEPTH, INFRARED, POINTCLOUD, RGB

GOOD_PARTS: Final = 2
_GAP_PX: Final = 3
_RED: Final = (255, 30, 30)
_CAPTION: Final = 14
_SHEET: Final = 0x5EE7
Tile = NDArray[np.uint8]


def draw_sheet(lines: Sequence[LineSetting], *, bad_parts: int = 4) -> Tile:
    """(H, W, 3): per line some good parts, bad ones twice (as seen, and with the mask outlined), depth and infrared.

    Depth and infrared show one more bad part, beside its picture. All lines must have the same size.
    """
    rows = [_row(line, bad_parts) for line in lines]
    return np.ascontiguousarray(np.vstack(rows))


def _row(line: LineSetting, bad_parts: int) -> Tile:
    rng = stream(_SHEET, line.seed)
    tiles = [
        _captioned(draw_part(line, index).rgb_u8, line.family if index == 0 else "") for index in range(GOOD_PARTS)
    ]
    for index in range(GOOD_PARTS, GOOD_PARTS + bad_parts):
        part = draw_part(line, index, random_defects(line, rng, count=1))
        kind = ", ".join(defect.kind.value for defect in part.defects)
        tiles += [_captioned(part.rgb_u8, kind), _captioned(outlined(part.rgb_u8, part.mask), "")]
    tiles += _modalities(line, GOOD_PARTS + bad_parts)
    return np.hstack(tiles)


def _modalities(line: LineSetting, index: int) -> list[Tile]:
    rng = stream(_SHEET, line.seed, 1)
    specs = random_defects(line, rng, count=2, visibility=(4.0, 10.0), modalities=MODALITIES)
    part = draw_part(line, index, specs, modalities=(RGB, DEPTH, POINTCLOUD, INFRARED))
    kinds = ", ".join(defect.kind.value for defect in part.defects)
    return [
        _captioned(outlined(part.rgb_u8, part.mask_in(RGB)), kinds),
        _captioned(outlined(_depth_picture(part), part.mask_in(DEPTH)), "depth"),
        _captioned(outlined(_grey(np.asarray(part.infrared_u8)), part.mask_in(INFRARED)), "infrared"),
    ]


def outlined(rgb_u8: Tile, mask: NDArray[np.bool_]) -> Tile:
    """The picture with the mask's outline, drawn just outside of it."""
    grown = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8))
    shown = rgb_u8.copy()
    shown[(grown > 0) & ~mask] = _RED
    return shown


def _depth_picture(part: SynthPart) -> Tile:
    """Near is bright; black = no return."""
    depth = np.asarray(part.depth_mm)
    near, far = np.nanpercentile(depth, (1, 99))
    share = np.clip((far - depth) / max(far - near, 0.2), 0, 1) * 220 + 30
    return _grey(np.nan_to_num(share, nan=0.0).astype(np.uint8))


def _grey(plane: NDArray[np.uint8]) -> Tile:
    return np.asarray(cv2.merge([plane, plane, plane]), np.uint8)


def _captioned(rgb_u8: Tile, text: str) -> Tile:
    height, width = rgb_u8.shape[:2]
    tile = np.zeros((height + _CAPTION + _GAP_PX, width + _GAP_PX, 3), np.uint8)
    tile[_CAPTION : _CAPTION + height, :width] = rgb_u8
    cv2.putText(tile, text, (2, _CAPTION - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.36, (255, 255, 255), 1, cv2.LINE_AA)
    return tile
