"""Episodes: some good parts of a drawn line, and others of which some are defective. What the decoder learns from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from models.synth.defect import DefectKind, DefectSpec
from models.synth.line import FAMILIES, PHOTOGRAPH, LineSetting, draw_line, draw_part, random_defects
from models.train.curriculum import CURRICULUM, CurriculumStage
from models.train.weathering import Weathering

Picture = NDArray[np.uint8]

# Never trained on: they decide which weights and which fusion are kept. Two surfaces, two prints, two objects.
HELD_OUT_FAMILIES = ("rubber", "wood", "wafer", "knit", "gear", "connector")
# How many references an episode has; none teaches to see without a memory.
_REFERENCES = (0, 1, 2, 4, 6)
_P_REFERENCES = (0.3, 0.15, 0.15, 0.3, 0.1)
_GOOD, _DEFECTIVE = 2, 3
# A line's parts are drawn with random numbers from its own range of indices: queries never repeat a reference.
_FIRST_QUERY = 1000
# Lines whose good parts differ from each other in shade, grain and light as much as a small defect would.
_P_ROUGH_LINE = 0.45
# What covers much of a stained part, how often, and from which to which share of the shorter side.
_STAINS = (DefectKind.STAIN, DefectKind.CORROSION, DefectKind.COLOUR_DRIFT)
_MOST_STAINS = 4
_STAIN_SHARES = (0.15, 0.8)
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
    stage: CurriculumStage = CURRICULUM[-1],
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
    strength = float(rng.uniform(0.3, 1.0)) if rng.random() < _P_ROUGH_LINE else 0.0
    # Without references nothing would say that it is allowed.
    weathered = stage.weathered if number else 0.0
    weathering = Weathering.drawn(rng, line.surface.angle_deg) if weathered and rng.random() < weathered else None
    good = [draw_part(_another_day(line, strength, rng), index).rgb_u8 for index in range(number)]
    queries = [draw_part(_another_day(line, strength, rng), _FIRST_QUERY + index) for index in range(_GOOD)]
    for index in range(_GOOD, _GOOD + _DEFECTIVE):
        own = _another_day(line, strength, rng)
        queries.append(draw_part(own, _FIRST_QUERY + index, _defects(own, stage, rng)))
    seen = [*good, *(part.rgb_u8 for part in queries)]
    if weathering is not None:
        seen = [weathering.over(picture, rng) for picture in seen]
    return Episode(
        family=family,
        references=np.stack(seen[:number]) if good else np.zeros((0, side_px, side_px, 3), np.uint8),
        queries=np.stack(seen[number:]),
        masks=np.stack([part.mask for part in queries]),
    )


def _defects(line: LineSetting, stage: CurriculumStage, rng: np.random.Generator) -> tuple[DefectSpec, ...]:
    """What is wrong with one defective part: uneven regions alone, large stains alone, or anything."""
    chance = float(rng.random())
    if chance < stage.uneven:
        return random_defects(line, rng, kinds=(DefectKind.UNEVEN,))
    if chance < stage.uneven + stage.stained:
        least_px = _STAIN_SHARES[0] * min(line.height_px, line.width_px)
        count = int(rng.integers(1, _MOST_STAINS + 1))
        return random_defects(
            line, rng, count=count, kinds=_STAINS, least_px=least_px, largest_share=_STAIN_SHARES[1]
        )  # fmt: skip
    return random_defects(line, rng)


def _another_day(line: LineSetting, strength: float, rng: np.random.Generator) -> LineSetting:
    """The same line with other material, lamps and exposure: real parts differ more than one setting lets them."""
    if strength == 0.0:
        return line
    shade, contrast, grain = (float(np.exp(strength * rng.normal(0, deviation))) for deviation in (0.2, 0.35, 0.25))
    light = line.light
    red, green, blue = line.surface.colour
    first, second, third = line.surface.contrast
    return replace(
        line,
        surface=replace(
            line.surface,
            colour=(red * shade, green * shade, blue * shade),
            contrast=(first * contrast, second * contrast, third * contrast),
            grain_px=line.surface.grain_px * grain,
            angle_deg=line.surface.angle_deg + strength * float(rng.normal(0, 3)),
        ),
        light=replace(
            light,
            gradient=light.gradient + strength * float(rng.normal(0, 0.5)),
            gradient_deg=light.gradient_deg + strength * float(rng.normal(0, 60)),
            hill=light.hill + strength * float(rng.normal(0, 0.4)),
            cloud=light.cloud + strength * abs(float(rng.normal(0, 0.12))),
        ),
        camera=replace(line.camera, exposure=line.camera.exposure * float(np.exp(strength * rng.normal(0, 0.15)))),
    )


def training_families(photographs: Sequence[Picture]) -> tuple[str, ...]:
    """Every family that is not held out."""
    return tuple(f for f in FAMILIES if f not in HELD_OUT_FAMILIES and (photographs or f != PHOTOGRAPH))


def share_masks(masks: NDArray[np.bool_], cell_px: int) -> NDArray[np.float32]:
    """(Q, S, S) bool -> (Q, S / cell, S / cell) in 0..1: how much of each cell is defective."""
    size = (masks.shape[2] // cell_px, masks.shape[1] // cell_px)
    return np.stack([cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) for mask in masks])
