"""Episodes: some good parts of a drawn line, and others of which some are defective. What the decoder learns from."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.synth.line import FAMILIES, PHOTOGRAPH, draw_line, draw_part, random_defects

Picture = NDArray[np.uint8]

# Never trained on: they decide which weights and which fusion are kept. Two surfaces, two prints, two objects.
HELD_OUT_FAMILIES = ("rubber", "wood", "wafer", "knit", "gear", "connector")
# How many references an episode has; none teaches to see without a memory.
_REFERENCES = (0, 1, 2, 4, 6)
_P_REFERENCES = (0.3, 0.15, 0.15, 0.3, 0.1)
_GOOD, _DEFECTIVE = 2, 3
# A line's parts are drawn with random numbers from its own range of indices: queries never repeat a reference.
_FIRST_QUERY = 1000
# Parts from photographs look most like what cameras see.
_P_PHOTOGRAPH = 0.25


@dataclass(frozen=True, kw_only=True, eq=False)
class Episode:
    """references (K, S, S, 3) and queries (Q, S, S, 3) uint8 RGB; masks (Q, S, S) bool, empty for good queries."""

    family: str
    references: NDArray[np.uint8]
    queries: NDArray[np.uint8]
    masks: NDArray[np.bool_]


def draw_episode(
    *words: int,
    side_px: int,
    photographs: Sequence[Picture],
    families: Sequence[str],
    references: int | None = None,
) -> Episode:
    """An episode of a line of one of ``families``; a function of its arguments. ``references`` None = any number."""
    rng = np.random.default_rng([0xE915, *words])
    drawn = int(rng.choice(_REFERENCES, p=_P_REFERENCES))
    number = drawn if references is None else references
    others = [family for family in families if family != PHOTOGRAPH]
    family = others[int(rng.integers(len(others)))]
    if PHOTOGRAPH in families and photographs and rng.random() < _P_PHOTOGRAPH:
        family = PHOTOGRAPH
    line = draw_line(int(rng.integers(2**31)), family=family, height=side_px, width=side_px, photographs=photographs)
    good = [draw_part(line, index).rgb_u8 for index in range(number)]
    queries = [draw_part(line, _FIRST_QUERY + index) for index in range(_GOOD)]
    for index in range(_GOOD, _GOOD + _DEFECTIVE):
        queries.append(draw_part(line, _FIRST_QUERY + index, random_defects(line, rng)))
    return Episode(
        family=family,
        references=np.stack(good) if good else np.zeros((0, side_px, side_px, 3), np.uint8),
        queries=np.stack([part.rgb_u8 for part in queries]),
        masks=np.stack([part.mask for part in queries]),
    )


def training_families(photographs: Sequence[Picture]) -> tuple[str, ...]:
    """Every family that is not held out."""
    return tuple(f for f in FAMILIES if f not in HELD_OUT_FAMILIES and (photographs or f != PHOTOGRAPH))


def share_masks(masks: NDArray[np.bool_], cell_px: int) -> NDArray[np.float32]:
    """(Q, S, S) bool -> (Q, S / cell, S / cell) in 0..1: how much of each cell is defective."""
    size = (masks.shape[2] // cell_px, masks.shape[1] // cell_px)
    return np.stack([cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) for mask in masks])
