"""Nine facts from a mask and its picture (SYSTEMS.md A.1.2): no model; defined for every mask."""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.facts.component_shape import ComponentShape, measure
from wire.errors import ShapeError
from wire.facts import Count, Direction, Distribution, Facts, Polarity, Position, PositionShare, Saliency, Scale, Shape

_CELLS: tuple[Position, ...] = (
    "top-left", "top", "top-right", "left", "center", "right", "bottom-left", "bottom", "bottom-right",
)  # fmt: skip
_COUNTS: tuple[Count, ...] = ("none", "one", "two", "three", "four", "five")


def facts_of(mask: NDArray[np.bool_], grey: NDArray[np.uint8], mm_per_px: float | None = None) -> Facts:
    """Facts of ``mask`` (H, W) on ``grey`` (H, W), 0..255. ShapeError if they differ or hold no pixel.

    Empty mask: tiny, none, no position, unclear. Full mask: nothing to contrast with, so neutral and low.
    """
    if mask.shape != grey.shape or mask.ndim != 2 or mask.size == 0:
        raise ShapeError(f"mask {mask.shape} and grey {grey.shape} must be the same (H, W) with at least one pixel")
    area = int(mask.sum())
    ratio = area / mask.size
    contrast = _contrast(mask, grey, area)
    number, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    components = number - 1
    largest = None
    if components:
        index = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
        x, y, width, height = (int(v) for v in stats[index, :4])
        largest = measure(np.asarray(labels[y : y + height, x : x + width] == index))
    return Facts(
        scale=scale_of(ratio),
        polarity=polarity_of(contrast),
        saliency=saliency_of(contrast),
        number=_COUNTS[components] if components < len(_COUNTS) else "multiple",
        position=_position(mask, area),
        shape=shape_of(largest, components, area, mask.size),
        direction=direction_of(largest),
        distribution=_distribution(mask, components),
        area_ratio=round(ratio, 6),
        contrast=round(contrast, 3),
        area_mm2=None if mm_per_px is None else round(area * mm_per_px**2, 4),
        length_mm=None if mm_per_px is None else round((largest.length_px if largest else 0.0) * mm_per_px, 3),
    )


def scale_of(area_ratio: float) -> Scale:
    """Size class of a defect that covers ``area_ratio`` of the picture."""
    if area_ratio < 0.01:
        return "tiny"
    if area_ratio < 0.03:
        return "small"
    if area_ratio < 0.10:
        return "medium"
    return "large" if area_ratio <= 0.25 else "extensive"


def polarity_of(contrast: float) -> Polarity:
    """Darker or brighter than its surroundings, by more than 5 of 255."""
    if contrast < -5:
        return "dark"
    return "bright" if contrast > 5 else "neutral"


def saliency_of(contrast: float) -> Saliency:
    """How much it stands out, whatever its sign."""
    if abs(contrast) < 10:
        return "low"
    return "medium" if abs(contrast) <= 40 else "high"


def shape_of(largest: ComponentShape | None, components: int, area_px: int, picture_px: int) -> Shape:
    """One of eleven shapes, the first rule that holds; measures are those of the largest component."""
    if largest is None or largest.area_px < 4:  # below 2 x 2 px there is no shape to see
        return "unclear"
    if components >= 4 and largest.area_px < 0.5 * area_px:
        return "fragmented"
    if largest.slenderness >= 5:
        if largest.branches >= 3:
            return "network-like"
        if largest.straightness >= 0.85:
            return "linear"
        if largest.branches == 0:
            return "curved"
    if largest.elongation < 2 and largest.area_px < 0.002 * picture_px:
        return "spot-like"
    if largest.elongation >= 2.5:
        return "elongated"
    if largest.roundness >= 0.75:
        return "circular"
    if largest.solidity >= 0.85:
        return "patch-like"
    return "irregular" if largest.solidity >= 0.5 else "diffuse"


def direction_of(largest: ComponentShape | None) -> Direction:
    """Direction of the longest side, to the nearest of 0, 45, 90, 135 degrees; none below an elongation of 1.5."""
    if largest is None or largest.elongation < 1.5:
        return "none"
    angle = largest.angle_deg
    if angle < 22.5 or angle >= 157.5:
        return "horizontal"
    return "vertical" if 67.5 <= angle < 112.5 else "diagonal"


def _contrast(mask: NDArray[np.bool_], grey: NDArray[np.uint8], area: int) -> float:
    if area in (0, mask.size):
        return 0.0
    inside = float(grey[mask].astype(np.float64).sum())
    total = float(grey.astype(np.float64).sum())
    return inside / area - (total - inside) / (mask.size - area)


def _position(mask: NDArray[np.bool_], area: int) -> tuple[PositionShare, ...]:
    """Cells of the 3 x 3 grid with defect pixels, largest share first, ties in reading order."""
    if area == 0:
        return ()
    height, width = mask.shape
    rows = np.add.reduceat(mask, _thirds(height), axis=0, dtype=np.int64) if height >= 3 else _spread(mask, 0)
    cells = np.add.reduceat(rows, _thirds(width), axis=1) if width >= 3 else _spread(rows, 1)
    shares = [(round(float(count) / area, 6), index) for index, count in enumerate(cells.ravel())]
    ordered = sorted((share for share in shares if share[0] > 0), key=lambda share: (-share[0], share[1]))
    return tuple(PositionShare(cell=_CELLS[index], share=share) for share, index in ordered)


def _thirds(length: int) -> list[int]:
    return [0, -(-length // 3), -(-2 * length // 3)]  # pixel i lies in third floor(3 i / length)


def _spread(counts: NDArray[np.bool_] | NDArray[np.int64], axis: int) -> NDArray[np.int64]:
    """One or two pixels over three thirds: pixel i goes to third floor(3 i / length)."""
    length = counts.shape[axis]
    shape = list(counts.shape)
    shape[axis] = 3
    spread = np.zeros(shape, np.int64)
    for i in range(length):
        np.moveaxis(spread, axis, 0)[3 * i // length] += np.moveaxis(counts, axis, 0)[i]
    return spread


def _distribution(mask: NDArray[np.bool_], components: int) -> Distribution:
    """Several components are clustered if one box of a quarter of the picture holds them all, else scattered."""
    if components == 0:
        return "unclear"
    if components == 1:
        return "isolated"
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = int(rows[-1] - rows[0] + 1) * int(columns[-1] - columns[0] + 1)
    return "clustered" if box <= 0.25 * mask.size else "scattered"
