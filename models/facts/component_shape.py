"""Measures of one connected component: extent, direction, slenderness, roundness."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.facts.skeleton import junctions, skeleton

# The skeleton is taken from a component shrunk to this side: its ratios stay, its cost is bounded.
_SKELETON_SIDE = 96


@dataclass(frozen=True, kw_only=True)
class ComponentShape:
    """``length_px`` and ``width_px``: sides of the smallest rectangle in any direction; ``angle_deg`` of the long one.

    0 = along x, 90 = along y, in [0, 180). ``slenderness`` = centre line's length over mean width; ``straightness`` =
    longest side over the centre line's length, about 1 for a line; ``roundness`` = share of the enclosing circle;
    ``solidity`` = share of the convex hull; ``branches`` of the centre line.
    """

    area_px: int
    length_px: float
    width_px: float
    angle_deg: float
    slenderness: float
    straightness: float
    roundness: float
    solidity: float
    branches: int

    @property
    def elongation(self) -> float:
        """Long over short side, >= 1."""
        return self.length_px / self.width_px


def measure(component: NDArray[np.bool_]) -> ComponentShape:
    """Measure one non-empty component (H, W). Pixels are squares of side 1."""
    rows, columns = np.nonzero(component)
    crop = component[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    corners = _outline(crop)
    (_, _), (side_a, side_b), turn = cv2.minAreaRect(corners)
    length, width = max(side_a, side_b), min(side_a, side_b)
    angle = (turn if side_a >= side_b else turn + 90) % 180
    _, radius = cv2.minEnclosingCircle(corners)
    area = int(crop.sum())
    line_px, branches = _centre_line(crop)
    return ComponentShape(
        area_px=area,
        length_px=float(length),
        width_px=float(max(width, 1.0)),
        angle_deg=float(angle),
        slenderness=line_px / (area / line_px),
        straightness=float(length) / line_px,
        roundness=area / (math.pi * radius * radius),
        solidity=area / max(float(cv2.contourArea(cv2.convexHull(corners))), 1.0),
        branches=branches,
    )


def _outline(crop: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(N, 2) x, y of the corners of the first and last pixel of every row: their hull is the component's hull."""
    points = []
    for y in range(crop.shape[0]):
        x = np.flatnonzero(crop[y])
        if x.size:
            left, right = int(x[0]), int(x[-1]) + 1
            points += [(left, y), (right, y), (left, y + 1), (right, y + 1)]
    return np.array(points, np.float32)


def _centre_line(crop: NDArray[np.bool_]) -> tuple[float, int]:
    """(length in px including half a width at either end, number of junctions)."""
    factor = max(1.0, max(crop.shape) / _SKELETON_SIDE)
    small = crop
    if factor > 1:
        size = (max(1, round(crop.shape[1] / factor)), max(1, round(crop.shape[0] / factor)))
        share = np.asarray(cv2.resize(crop.astype(np.float32), size, interpolation=cv2.INTER_AREA))
        # Half covered would break a line that is thinner than a pixel of the small image.
        small = share > min(0.5, 0.5 / factor)
    thin = skeleton(small)
    diagonal = int((thin[1:, 1:] & thin[:-1, :-1]).sum() + (thin[1:, :-1] & thin[:-1, 1:]).sum())
    straight = int((thin[1:] & thin[:-1]).sum() + (thin[:, 1:] & thin[:, :-1]).sum())
    # Where a line turns, the diagonal and both straight steps join the same three pixels.
    steps = min(straight + math.sqrt(2) * diagonal, float(thin.sum()) * math.sqrt(2))
    area = float(crop.sum())
    line = steps * factor
    width = area / max(line, 1.0) if line >= 1 else math.sqrt(area)
    return max(line + min(width, math.sqrt(area)), 1.0), junctions(thin)
