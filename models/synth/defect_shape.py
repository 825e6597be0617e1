"""Where a defect lies: strokes, branches, blobs, clusters, clouds, as a soft share of every pixel."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.synth.seeding import Plane, clouds

Point = tuple[float, float]
Window = tuple[slice, slice]
_BITS = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Support:
    """``share`` (h, w) 0..1 within ``window`` of the part; ``thickness_px`` = its extent across, the defect's scale."""

    window: Window
    share: Plane
    thickness_px: float


class Place:
    """A window around a centre (x, y), as large as a defect may reach, cut at the picture's edge."""

    def __init__(self, centre: Point, reach_px: float, *, height: int, width: int) -> None:
        reach = math.ceil(min(reach_px, height + width)) + 2
        x, y = int(centre[0]), int(centre[1])
        self.x0, self.x1 = max(0, x - reach), min(width, x + reach + 1)
        self.y0, self.y1 = max(0, y - reach), min(height, y + reach + 1)
        self.centre = (centre[0] - self.x0, centre[1] - self.y0)

    @property
    def window(self) -> Window:
        """Rows and columns of the part."""
        return np.s_[self.y0 : self.y1, self.x0 : self.x1]

    @property
    def shape(self) -> tuple[int, int]:
        """(h, w)."""
        return (self.y1 - self.y0, self.x1 - self.x0)

    def support(self, mask: NDArray[np.uint8], thickness_px: float, soft_px: float = 0.0) -> Support:
        """A drawn mask 0..255 as a support, softened by a Gaussian of sigma ``soft_px``."""
        share = mask.astype(np.float32) * np.float32(1 / 255)
        if soft_px > 0.3:
            share = np.asarray(cv2.GaussianBlur(share, (0, 0), soft_px, borderType=cv2.BORDER_REPLICATE), np.float32)
        return Support(window=self.window, share=share, thickness_px=thickness_px)


def stroke(place: Place, rng: Generator, *, length_px: float, thickness_px: float, wander: float, angle: float,
           copies: int = 1) -> Support:  # fmt: skip
    """A line of that length through the centre; several copies lie side by side."""
    mask = np.zeros(place.shape, np.uint8)
    for number in range(copies):
        own = length_px * (1.0 if number == 0 else float(rng.uniform(0.3, 0.9)))
        offset = (number - (copies - 1) / 2) * float(rng.uniform(2.0, 4.0)) * thickness_px
        path = _path(rng, own, wander, angle)
        normal = np.array([-math.sin(angle), math.cos(angle)])
        slip = np.array([math.cos(angle), math.sin(angle)]) * float(rng.uniform(-0.2, 0.2)) * length_px * (number > 0)
        _tapered(mask, path + np.array(place.centre) + normal * offset + slip, thickness_px, rng)
    return place.support(mask, thickness_px)


def branches(place: Place, rng: Generator, *, length_px: float, thickness_px: float, count: int) -> Support:
    """A crack: a jagged line from which thinner ones branch off."""
    mask = np.zeros(place.shape, np.uint8)
    angle = float(rng.uniform(0, 2 * math.pi))
    trunk = _path(rng, length_px, float(rng.uniform(0.25, 0.6)), angle) + np.array(place.centre)
    _tapered(mask, trunk, thickness_px, rng)
    for _ in range(count):
        start = trunk[int(rng.integers(2, len(trunk) - 1))]
        turn = angle + float(rng.choice([-1, 1])) * float(rng.uniform(0.4, 1.2))
        branch = _path(rng, length_px * float(rng.uniform(0.15, 0.45)), 0.4, turn)
        _tapered(mask, branch - branch[0] + start, thickness_px * 0.7, rng)
    return place.support(mask, thickness_px)


def blob(place: Place, rng: Generator, *, radius_px: float, stretch: float = 1.0, angle: float = 0.0,
         rough: float = 0.12, soft_px: float = 0.0) -> Support:  # fmt: skip
    """A closed wavy outline; ``stretch`` = long over short axis, the long one of ``radius_px`` along ``angle``."""
    mask = np.zeros(place.shape, np.uint8)
    fill_blob(mask, rng, place.centre, radius_px, stretch, angle, rough)
    return place.support(mask, 2 * radius_px / stretch, soft_px)


def beyond(place: Place, rng: Generator, *, angle: float, wave_px: float, soft_px: float) -> Support:
    """All of the window on the smaller side of a wavy line through its centre at ``angle``."""
    height, width = place.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    across, along = (x - np.float32(place.centre[0])), (y - np.float32(place.centre[1]))
    cos, sin = np.float32(math.cos(angle)), np.float32(math.sin(angle))
    ripple = np.float32(wave_px) * clouds(rng, height, width, float(rng.uniform(1, 6)))
    above = across * -sin + along * cos + ripple > 0
    if above.mean() > 0.5:
        above = ~above
    extent = float(np.sqrt(above.sum()))
    return place.support(above.astype(np.uint8) * np.uint8(255), extent, soft_px)


def cluster(place: Place, rng: Generator, *, extent_px: float, dot_px: float, count: int, stretch: float = 1.0,
            angle: float = 0.0) -> Support:  # fmt: skip
    """Several small blobs within ``extent_px``."""
    mask = np.zeros(place.shape, np.uint8)
    for number in range(count):
        away = rng.normal(0, extent_px / 5, 2) if number else np.zeros(2)
        away = np.clip(away, -extent_px / 2, extent_px / 2)
        centre = (place.centre[0] + float(away[0]), place.centre[1] + float(away[1]))
        fill_blob(mask, rng, centre, dot_px * float(rng.uniform(0.5, 1.3)) * stretch**0.5, stretch, angle, 0.2)
    return place.support(mask, 2 * dot_px)


def cloud(place: Place, rng: Generator, *, extent_px: float, stretch: float = 1.0, angle: float = 0.0,
          soft_px: float = 0.5) -> Support:  # fmt: skip
    """Ragged patches: noise above a level, within a soft round region."""
    height, width = place.shape
    mask = np.zeros(place.shape, np.uint8)
    fill_blob(mask, rng, place.centre, extent_px / 2, stretch, angle, 0.2)
    region = np.asarray(cv2.GaussianBlur(mask, (0, 0), max(extent_px / 12, 0.5)), np.float32) / np.float32(255)
    cells = float(rng.uniform(4, 12)) * max(height, width) / extent_px
    noise = clouds(rng, height, width, cells) + np.float32(0.5) * clouds(rng, height, width, 3 * cells)
    level = float(rng.uniform(-0.4, 0.5))
    ragged = ((noise + 3 * (region - 0.75) > level) & (region > 0.1)).astype(np.uint8) * np.uint8(255)
    return place.support(ragged, extent_px / 4, soft_px)


def row_of_marks(place: Place, rng: Generator, *, length_px: float, mark_px: float, angle: float) -> Support:
    """The same mark again and again along a line, as a damaged roll prints it."""
    mask = np.zeros(place.shape, np.uint8)
    pitch = mark_px * float(rng.uniform(2.5, 5))
    count = max(2, int(length_px / pitch))
    form = rng.bit_generator.state
    for number in range(count):
        rng.bit_generator.state = form  # the same mark
        along = (number - (count - 1) / 2) * pitch
        centre = (place.centre[0] + along * math.cos(angle), place.centre[1] + along * math.sin(angle))
        fill_blob(mask, rng, centre, mark_px, 1.5, angle + 0.7, 0.25)
    return place.support(mask, mark_px)


def patch(place: Place, rng: Generator, *, side_px: float, soft_px: float) -> Support:
    """A turned rectangle or an irregular polygon."""
    mask = np.zeros(place.shape, np.uint8)
    corners = int(rng.choice([4, 4, 5, 7]))
    spread = rng.uniform(0.6, 1.0, corners) if corners > 4 else np.full(4, 1.0)
    angles = np.sort(rng.uniform(0, 2 * math.pi, corners)) if corners > 4 else np.array([0.5, 2.6, 3.64, 5.78])
    angles = angles + float(rng.uniform(0, math.pi))
    points = np.array(place.centre) + side_px / 2 * spread[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    cv2.fillPoly(mask, [np.round(points * 16).astype(np.int32)], 255, cv2.LINE_AA, _BITS)
    return place.support(mask, side_px / 2, soft_px)


def splinters(place: Place, rng: Generator, *, extent_px: float, inward: float) -> Support:
    """Fraying: short jagged pieces that start at an edge and point ``inward`` (radians)."""
    mask = np.zeros(place.shape, np.uint8)
    along = np.array([-math.sin(inward), math.cos(inward)])
    into = np.array([math.cos(inward), math.sin(inward)])
    for _ in range(int(rng.integers(3, 12))):
        start = np.array(place.centre) + along * float(rng.normal(0, extent_px / 4))
        if rng.random() < 0.5:
            reach = extent_px * float(rng.uniform(0.08, 0.4))
            path = _path(rng, reach, 0.3, inward + float(rng.normal(0, 0.5)))
            _tapered(mask, path - path[0] + start, max(1.0, extent_px * 0.06), rng)
        else:
            centre = start + into * extent_px * float(rng.uniform(0, 0.12))
            fill_blob(mask, rng, (float(centre[0]), float(centre[1])), extent_px * float(rng.uniform(0.06, 0.25)), 1.6,
                      inward + 1.57, 0.3)  # fmt: skip
    return place.support(mask, max(2.0, extent_px / 6), 0.5)


def fill_blob(
    mask: NDArray[np.uint8], rng: Generator, centre: Point, radius_px: float, stretch: float, angle: float, rough: float
) -> None:
    """Fill one blob into a mask 0..255."""
    angles = np.linspace(0, 2 * math.pi, 32, endpoint=False)
    reach = np.ones(32)
    for waves in (2, 3, 5, 8):
        reach += float(rng.normal(0, rough * 2 / waves)) * np.cos(waves * angles + float(rng.uniform(0, 6.3)))
    reach = np.maximum(reach, 0.2) * max(radius_px, 0.5)
    u, v = reach * np.cos(angles), reach * np.sin(angles) / stretch
    x = centre[0] + u * math.cos(angle) - v * math.sin(angle)
    y = centre[1] + u * math.sin(angle) + v * math.cos(angle)
    points = np.round(np.stack([x, y], axis=1) * 16).astype(np.int32)
    cv2.fillPoly(mask, [points], 255, cv2.LINE_AA, _BITS)


def _path(rng: Generator, length_px: float, wander: float, angle: float) -> NDArray[np.float64]:
    """(N, 2) points of a line of that length, centred on 0."""
    steps = int(np.clip(length_px / 3, 4, 24))
    turns = angle + np.cumsum(rng.normal(0, wander / math.sqrt(steps) * 2, steps))
    walk = np.cumsum(np.stack([np.cos(turns), np.sin(turns)], axis=1) * (length_px / steps), axis=0)
    return np.asarray(walk - walk.mean(axis=0))


def _tapered(mask: NDArray[np.uint8], points: NDArray[np.float64], thickness_px: float, rng: Generator) -> None:
    """Draw a line that thins out towards its ends; below one pixel it gets fainter instead."""
    fixed = np.round(points * 16).astype(np.int32)
    thick = max(1, round(thickness_px))
    strength = int(255 * min(1.0, max(thickness_px, 0.5)))
    line = np.zeros_like(mask)
    cv2.polylines(line, [fixed], False, strength, max(1, thick - 1), cv2.LINE_AA, _BITS)
    if thick > 1:
        third = len(fixed) // 4
        cv2.polylines(line, [fixed[third : len(fixed) - third]], False, strength, thick, cv2.LINE_AA, _BITS)
    np.maximum(mask, line, out=mask)
