"""How each kind of defect looks: its shape, and what it does to the surface."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator

from models.synth import defect_effect as effect
from models.synth import defect_shape as shape
from models.synth.channels import grey_of
from models.synth.defect import DefectKind
from models.synth.defect_effect import Shown
from models.synth.defect_shape import Place, Support
from models.synth.scene import Scene
from models.synth.seeding import Plane, clouds, log_uniform, white
from models.synth.setting import LineSetting

# Height that a 3D sensor's noise hides is 0.02 mm; a visibility of 1 stands out of it twice.
_MM_PER_VISIBILITY: Final = 0.04
_WARMTH_PER_VISIBILITY: Final = 0.03
# Defects over at least this share of the shorter side may take one whole side of the part, and so often do.
_SIDE_FROM, _P_SIDE = 0.25, 0.5
# Of those sides: how many are cut off at an angle of their own, as a corner is.
_P_CORNER = 0.3


@dataclass(frozen=True, kw_only=True, eq=False)
class Outline:
    """What the shape of a defect depends on. ``inward``: direction into the part, where it lies at an edge."""

    line: LineSetting
    place: Place
    size_px: float
    inward: float

    @property
    def centre(self) -> tuple[float, float]:
        """(x, y) in the part's picture."""
        return (self.place.centre[0] + self.place.x0, self.place.centre[1] + self.place.y0)

    @property
    def grain_angle(self) -> float:
        """Direction of the surface's texture, radians."""
        return math.radians(self.line.surface.angle_deg)


@dataclass(frozen=True, kw_only=True, eq=False)
class Brush:
    """What a defect's effect depends on.

    ``change``: reflectance by which it should stand out, > 0; ``level``: the surface's own reflectance there;
    ``visibility`` as asked for.
    """

    line: LineSetting
    scene: Scene
    support: Support
    shown: Shown
    change: float
    level: float
    visibility: float

    def dark(self, share: Plane | None = None) -> Plane:
        """A gain (h, w) that darkens by ``change`` at most to a tenth."""
        loss = min(self.change / max(self.level, 0.02), 0.9)
        return np.float32(1) - np.float32(loss) * (self.support.share if share is None else share)

    def sink(self, factor: float = 1.0) -> None:
        """Lower (factor < 0: raise) the surface in depth only, by what the sensor sees as ``visibility``."""
        if self.shown.depth:
            height = self.support.share * np.float32(-factor * _MM_PER_VISIBILITY * self.visibility)
            self.scene.shape_mm[self.support.window] += height

    def warm(self, rng: Generator) -> None:
        """Show it in the infrared picture."""
        if self.shown.infrared:
            sign = float(rng.choice([-1.0, 1.0]))
            effect.heat(self.scene, self.support, sign * _WARMTH_PER_VISIBILITY * self.visibility)


_Shape = Callable[[Outline, Generator], Support]
_Effect = Callable[[Brush, Generator], None]


def _scratch_shape(outline: Outline, rng: Generator) -> Support:
    return shape.stroke(
        outline.place, rng, length_px=outline.size_px,
        thickness_px=float(np.clip(outline.size_px / 60 * rng.uniform(0.5, 2.5), 0.8, 4)),
        wander=float(rng.choice([0.02, 0.1, 0.3])), angle=float(rng.uniform(0, math.pi)),
        copies=1 if rng.random() < 0.7 else int(rng.integers(2, 5)),
    )  # fmt: skip


def _scratch(brush: Brush, rng: Generator) -> None:
    mode = rng.random()
    if mode < 0.4:
        effect.add(brush.scene, brush.support, brush.support.share * np.float32(brush.change))
    elif mode < 0.7:
        effect.multiply(brush.scene, brush.support, brush.dark())
    else:  # a groove: one flank bright, the other dark
        shifted = np.roll(brush.support.share, (1, 1), (0, 1))
        effect.add(brush.scene, brush.support, (brush.support.share - shifted) * np.float32(1.3 * brush.change))
    brush.sink()


def _crack_shape(outline: Outline, rng: Generator) -> Support:
    thickness = float(np.clip(outline.size_px / 50 * rng.uniform(0.7, 2), 0.8, 4))
    return shape.branches(outline.place, rng, length_px=outline.size_px, thickness_px=thickness,
                          count=int(rng.integers(0, 5)))  # fmt: skip


def _crack(brush: Brush, rng: Generator) -> None:
    effect.multiply(brush.scene, brush.support, brush.dark())
    if rng.random() < 0.3:  # a lip that catches the light
        lip = np.maximum(np.roll(brush.support.share, (1, -1), (0, 1)) - brush.support.share, 0)
        effect.add(brush.scene, brush.support, lip * np.float32(0.6 * brush.change))
    brush.sink(2.0)


def _pits_shape(outline: Outline, rng: Generator) -> Support:
    count = 1 if outline.size_px < 6 else int(log_uniform(rng, 1, 30))
    dot = outline.size_px / 2 if count == 1 else max(0.8, outline.size_px / log_uniform(rng, 12, 40))
    along = rng.random() < 0.3
    return shape.cluster(outline.place, rng, extent_px=outline.size_px, dot_px=min(dot, 6.0), count=count,
                         stretch=float(rng.uniform(1.5, 3)) if along else 1.0, angle=outline.grain_angle)  # fmt: skip


def _pits(brush: Brush, rng: Generator) -> None:
    effect.multiply(brush.scene, brush.support, brush.dark())
    if rng.random() < 0.4:
        rim = np.maximum(np.roll(brush.support.share, (1, 1), (0, 1)) - brush.support.share, 0)
        effect.add(brush.scene, brush.support, rim * np.float32(0.8 * brush.change))
    brush.sink(3.0)


def _hole_shape(outline: Outline, rng: Generator) -> Support:
    return shape.blob(outline.place, rng, radius_px=outline.size_px / 2, stretch=float(rng.uniform(1, 1.4)), rough=0.06,
                      soft_px=0.5)  # fmt: skip


def _hole(brush: Brush, rng: Generator) -> None:
    share = brush.support.share
    rim = np.asarray(cv2.GaussianBlur(share, (0, 0), 1.0), np.float32) - share
    effect.multiply(brush.scene, brush.support, brush.dark())
    side = float(rng.choice([-1, 1]))
    lit = np.roll(np.maximum(rim, 0), (int(side), int(side)), (0, 1))
    effect.add(brush.scene, brush.support, lit * np.float32(brush.change))
    brush.sink(5.0)


def _stain_shape(outline: Outline, rng: Generator) -> Support:
    soft = outline.size_px * float(rng.choice([0.02, 0.06, 0.12]))
    if rng.random() < 0.3:
        return shape.cloud(outline.place, rng, extent_px=outline.size_px, soft_px=min(soft, 3.0))
    return shape.blob(outline.place, rng, radius_px=outline.size_px / 2, stretch=log_uniform(rng, 1, 3),
                      angle=float(rng.uniform(0, math.pi)), rough=0.25, soft_px=soft)  # fmt: skip


def _stain(brush: Brush, rng: Generator) -> None:
    share = brush.support.share
    if rng.random() < 0.25:  # dried up: darker at its rim
        edge = share * (1 - share) * 4
        share = np.float32(0.4) * share + np.float32(0.6) * edge
    if rng.random() < 0.6:
        effect.multiply(brush.scene, brush.support, brush.dark(share))
    else:
        effect.add(brush.scene, brush.support, share * np.float32(brush.change), _tint(rng, 0.3))


def _inclusion_shape(outline: Outline, rng: Generator) -> Support:
    stretch = log_uniform(rng, 1.2, 8)
    count = 1 if outline.size_px < 8 or rng.random() < 0.5 else int(rng.integers(2, 6))
    if count == 1:
        return shape.blob(outline.place, rng, radius_px=outline.size_px / 2, stretch=stretch,
                          angle=outline.grain_angle, rough=0.25, soft_px=0.6)  # fmt: skip
    return shape.cluster(outline.place, rng, extent_px=outline.size_px, dot_px=outline.size_px / 8, count=count,
                         stretch=stretch, angle=outline.grain_angle)  # fmt: skip


def _inclusion(brush: Brush, rng: Generator) -> None:
    share = brush.support.share
    rough = white(rng, *share.shape)
    rough = np.asarray(cv2.GaussianBlur(rough, (0, 0), log_uniform(rng, 0.6, 2.0)), np.float32)
    rough *= np.float32(0.7 * brush.change / max(float(rough.std()), 1e-3))
    side = float(rng.choice([-1.0, -1.0, 1.0]))
    shift = np.float32(side * brush.change)
    effect.add(brush.scene, brush.support, share * (rough + shift), _tint(rng, 0.1))
    brush.sink(float(rng.choice([-1.5, 1.5])))


def _corrosion_shape(outline: Outline, rng: Generator) -> Support:
    return shape.cloud(outline.place, rng, extent_px=outline.size_px, stretch=log_uniform(rng, 1, 2.5),
                       angle=outline.grain_angle, soft_px=log_uniform(rng, 0.4, 2.0))  # fmt: skip


def _corrosion(brush: Brush, rng: Generator) -> None:
    share = brush.support.share
    spots = share * (1 + np.float32(0.4) * white(rng, *share.shape))
    if rng.random() < 0.75:
        effect.multiply(brush.scene, brush.support, np.maximum(brush.dark(spots), 0.05))
        if brush.scene.albedo.ndim == 3 and rng.random() < 0.6:
            effect.add(brush.scene, brush.support, share * np.float32(0.3 * brush.change), (1.0, 0.2, -0.6))
    else:
        effect.add(brush.scene, brush.support, spots * np.float32(brush.change))
    brush.sink(1.5)


def _round_shape(outline: Outline, rng: Generator) -> Support:
    radius = outline.size_px / 2
    return shape.blob(outline.place, rng, radius_px=0.75 * radius, stretch=log_uniform(rng, 1, 1.8), rough=0.06,
                      angle=float(rng.uniform(0, math.pi)), soft_px=radius / 4)  # fmt: skip


def _lit_height(brush: Brush) -> float:
    """Height in mm whose flanks change the light as much as asked for."""
    slant = max(brush.line.light.slant, 0.2)
    facing = min(brush.change / max(brush.level * 0.85, 0.02), 0.92)
    slope = math.atanh(facing) / slant
    return slope * brush.line.mm_per_px * max(brush.support.thickness_px / 3, 0.7)


def _dent(brush: Brush, rng: Generator) -> None:
    _press(brush, -1.0)


def _bump(brush: Brush, rng: Generator) -> None:
    _press(brush, 1.0)


def _blister(brush: Brush, rng: Generator) -> None:
    _press(brush, 1.0)
    effect.add(brush.scene, brush.support, brush.support.share * np.float32(0.25 * brush.change))


def _press(brush: Brush, side: float) -> None:
    measured = max(_lit_height(brush), _MM_PER_VISIBILITY * brush.visibility)
    only_rgb, only_depth = Shown(rgb=True, depth=False, infrared=False), Shown(rgb=False, depth=True, infrared=False)
    if brush.shown.rgb:
        height = brush.support.share * np.float32(side * _lit_height(brush))
        effect.raise_surface(brush.scene, brush.support, height, only_rgb)
    if brush.shown.depth:
        effect.raise_surface(brush.scene, brush.support, brush.support.share * np.float32(side * measured), only_depth)


def _fray_shape(outline: Outline, rng: Generator) -> Support:
    return shape.splinters(outline.place, rng, extent_px=outline.size_px, inward=outline.inward)


def _fray(brush: Brush, rng: Generator) -> None:
    share = brush.support.share
    rough = share * white(rng, *share.shape) * np.float32(0.5 * brush.change)
    side = float(rng.choice([-1.0, 1.0]))
    effect.add(brush.scene, brush.support, share * np.float32(side * brush.change) + rough)
    brush.sink(1.0)


def _chip_shape(outline: Outline, rng: Generator) -> Support:
    return shape.blob(outline.place, rng, radius_px=outline.size_px / 2, stretch=log_uniform(rng, 1.0, 2.5), rough=0.2,
                      angle=outline.inward + math.pi / 2 + float(rng.normal(0, 0.3)), soft_px=0.5)  # fmt: skip


def _chip(brush: Brush, rng: Generator) -> None:
    share = brush.support.share
    if rng.random() < 0.6:
        effect.cut(brush.scene, brush.support, brush.shown, deep_mm=0.5)
    else:  # a spall: the fractured surface below, rough and of another brightness
        rough = np.asarray(cv2.GaussianBlur(white(rng, *share.shape), (0, 0), 1.5), np.float32) * np.float32(1.5)
        side = float(rng.choice([-1.0, 1.0]))
        effect.add(brush.scene, brush.support, share * np.float32(brush.change) * (np.float32(side) + rough))
        brush.sink(6.0)
    facet = np.asarray(cv2.GaussianBlur(share, (0, 0), 1.2), np.float32)
    effect.add(brush.scene, brush.support, np.float32(2 * brush.change * rng.uniform(-0.3, 0.8)) * facet * (1 - facet))


def _large_shape(outline: Outline, rng: Generator) -> Support:
    soft = outline.size_px * float(rng.choice([0.03, 0.08, 0.16]))
    if outline.size_px > _SIDE_FROM * min(outline.line.height_px, outline.line.width_px) and rng.random() < _P_SIDE:
        # The tool lifted, the bath ended, the plate moved: one side of the part is unlike the other.
        angle = outline.grain_angle + float(rng.choice([0.0, math.pi / 2])) + float(rng.normal(0, 0.15))
        if rng.random() < _P_CORNER:
            angle = float(rng.uniform(0, math.pi))
        whole = Place(outline.centre, math.inf, height=outline.line.height_px, width=outline.line.width_px)
        return shape.beyond(whole, rng, angle=angle, wave_px=0.02 * outline.size_px, soft_px=soft / 8)
    along = rng.random() < 0.5
    return shape.blob(outline.place, rng, radius_px=outline.size_px / 2, stretch=log_uniform(rng, 1, 2.5), rough=0.2,
                      angle=outline.grain_angle if along else float(rng.uniform(0, math.pi)), soft_px=soft)  # fmt: skip


def _wear(brush: Brush, rng: Generator) -> None:
    effect.smooth(brush.scene, brush.support, log_uniform(rng, 1.0, 4.0))
    gain = 1 + float(rng.choice([-1, 1])) * min(0.6 * brush.change / max(brush.level, 0.02), 0.7)
    effect.multiply(brush.scene, brush.support, 1 + brush.support.share * np.float32(gain - 1))


def _uneven(brush: Brush, rng: Generator) -> None:
    """Ground, polished or dried unlike the rest: brightness, texture or gloss differ a little over a large region."""
    share = brush.support.share
    amount = min(float(rng.uniform(0, 0.6)) * brush.change / max(brush.level, 0.02), 0.6)
    side = float(rng.choice([-1.0, 1.0]))
    lumpy = share * (1 + np.float32(0.35) * clouds(rng, share.shape[0], share.shape[1], 5))
    effect.multiply(brush.scene, brush.support, np.maximum(1 + lumpy * np.float32(side * amount), 0.1))
    mode = rng.random()
    if mode < 0.25:
        factor = float(rng.choice([0.3, 0.5, 1.6, 2.2, 3.0]))
        effect.stretch_contrast(brush.scene, brush.support, factor, 6.0)
    elif mode < 0.85:  # marks of another pass of the tool, along the grain or across it, over the old ones or instead
        along = brush.line.surface.angle_deg + float(rng.normal(0, 5))
        angle = along if rng.random() < 0.6 else float(rng.uniform(0, 180))
        if rng.random() < 0.4:
            effect.stretch_contrast(brush.scene, brush.support, float(rng.uniform(0.1, 0.6)), 6.0)
        marks = _marks(share.shape, angle, rng)
        effect.add(brush.scene, brush.support, share * marks * np.float32(brush.change * log_uniform(rng, 0.4, 1.5)))


def _marks(size: tuple[int, ...], angle_deg: float, rng: Generator) -> Plane:
    """Scores of a tool at ``angle_deg`` (h, w), deviation about 1: few strong ones among many, coming and going."""
    height, width = size
    side = math.ceil(math.hypot(height, width)) + 2
    across = np.asarray(rng.standard_t(3, (side, 1)), np.float32)
    across = np.asarray(cv2.GaussianBlur(across, (1, 0), 1, sigmaY=log_uniform(rng, 0.4, 4.0)), np.float32)
    spans = max(2, round(side / log_uniform(rng, 12, 400)))
    rows = max(2, side // 3)
    along = cv2.resize(rng.random((rows, spans), dtype=np.float32), (side, side), interpolation=cv2.INTER_LINEAR)
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), -angle_deg, 1.0)
    turned = cv2.warpAffine(across * along, turn, (side, side), borderMode=cv2.BORDER_REFLECT)
    y, x = (side - height) // 2, (side - width) // 2
    marks = np.asarray(turned[y : y + height, x : x + width], np.float32)
    return np.asarray(np.clip(marks / np.float32(max(float(marks.std()), 1e-6)), -4, 4), np.float32)


def _roll_shape(outline: Outline, rng: Generator) -> Support:
    mark = max(1.0, outline.size_px / log_uniform(rng, 8, 24))
    angle = outline.grain_angle + float(rng.choice([0.0, math.pi / 2]))
    return shape.row_of_marks(outline.place, rng, length_px=outline.size_px, mark_px=mark, angle=angle)


def _roll_mark(brush: Brush, rng: Generator) -> None:
    if rng.random() < 0.5:
        effect.multiply(brush.scene, brush.support, brush.dark())
    else:
        effect.add(brush.scene, brush.support, brush.support.share * np.float32(brush.change))
    brush.sink(1.0)


def _patch_shape(outline: Outline, rng: Generator) -> Support:
    soft = float(rng.choice([0.5, 0.5, 1.5, outline.size_px / 12]))
    return shape.patch(outline.place, rng, side_px=outline.size_px, soft_px=soft)


def _missing(brush: Brush, rng: Generator) -> None:
    effect.cut(brush.scene, brush.support, brush.shown, deep_mm=1.0)


def _extra(brush: Brush, rng: Generator) -> None:
    side = 1.0 if brush.level + brush.change < 0.9 else -1.0
    level = max(brush.level + side * brush.change, 0.02)
    if brush.shown.rgb:
        tint = _tint(rng, 0.3)
        effect.cover(brush.scene, brush.support, (level * tint[0], level * tint[1], level * tint[2]))
    brush.sink(-8.0)


def _shifted(brush: Brush, rng: Generator) -> None:
    reach = max(2.0, brush.support.thickness_px * float(rng.uniform(0.1, 0.3)))
    angle = float(rng.uniform(0, 2 * math.pi))
    effect.ghost(brush.scene, brush.support, (reach * math.cos(angle), reach * math.sin(angle)), 1.0)


def _misprint(brush: Brush, rng: Generator) -> None:
    reach = max(1.5, brush.support.thickness_px * float(rng.uniform(0.05, 0.2)))
    angle = float(rng.uniform(0, 2 * math.pi))
    effect.ghost(brush.scene, brush.support, (reach * math.cos(angle), reach * math.sin(angle)), 0.5)
    if rng.random() < 0.5:
        effect.add(brush.scene, brush.support, brush.support.share * np.float32(0.5 * brush.change), _tint(rng, 0.3))


def _drift(brush: Brush, rng: Generator) -> None:
    share = brush.support.share
    if brush.scene.albedo.ndim == 3:
        tint = rng.normal(0, 1, 3)
        tint /= max(float(np.abs(tint).max()), 0.1)
        shift = (float(tint[0]), float(tint[1]), float(tint[2]))
        effect.add(brush.scene, brush.support, share * np.float32(brush.change), shift)
    else:
        gain = 1 + float(rng.choice([-1, 1])) * min(brush.change / max(brush.level, 0.02), 0.8)
        effect.multiply(brush.scene, brush.support, 1 + share * np.float32(gain - 1))


def _transplant(brush: Brush, rng: Generator) -> None:
    effect.transplant(brush.scene, brush.support, rng)
    window = brush.support.window
    now = grey_of(brush.scene.albedo[window])
    # Elsewhere the part may look just the same; a shift of tone grows with the contrast that is asked for.
    shift = float(rng.choice([-1.0, 1.0])) * 0.4 * brush.change
    effect.add(brush.scene, brush.support, brush.support.share * np.float32(shift) * np.ones_like(now))


def _distortion(brush: Brush, rng: Generator) -> None:
    effect.bend(brush.scene, brush.support, float(np.clip(0.6 * brush.visibility, 1.0, 6.0)), rng)


def _blur(brush: Brush, rng: Generator) -> None:
    effect.smooth(brush.scene, brush.support, float(np.clip(0.5 * brush.visibility, 0.8, 5.0)))


def _hot_spot(brush: Brush, rng: Generator) -> None:
    """Nothing to see; the infrared picture shows it."""


def _tint(rng: Generator, reach: float) -> tuple[float, float, float]:
    red, green, blue = 1 + reach * rng.uniform(-1, 1, 3)
    return (float(red), float(green), float(blue))


RECIPES: Final[dict[DefectKind, tuple[_Shape, _Effect]]] = {
    DefectKind.SCRATCH: (_scratch_shape, _scratch),
    DefectKind.CRACK: (_crack_shape, _crack),
    DefectKind.PITS: (_pits_shape, _pits),
    DefectKind.HOLE: (_hole_shape, _hole),
    DefectKind.STAIN: (_stain_shape, _stain),
    DefectKind.INCLUSION: (_inclusion_shape, _inclusion),
    DefectKind.CORROSION: (_corrosion_shape, _corrosion),
    DefectKind.BLISTER: (_round_shape, _blister),
    DefectKind.DENT: (_round_shape, _dent),
    DefectKind.BUMP: (_round_shape, _bump),
    DefectKind.FRAY: (_fray_shape, _fray),
    DefectKind.BROKEN_EDGE: (_chip_shape, _chip),
    DefectKind.WEAR: (_large_shape, _wear),
    DefectKind.UNEVEN: (_large_shape, _uneven),
    DefectKind.ROLL_MARK: (_roll_shape, _roll_mark),
    DefectKind.MISSING_PART: (_patch_shape, _missing),
    DefectKind.EXTRA_PART: (_patch_shape, _extra),
    DefectKind.SHIFTED_PART: (_patch_shape, _shifted),
    DefectKind.MISPRINT: (_patch_shape, _misprint),
    DefectKind.COLOUR_DRIFT: (_large_shape, _drift),
    DefectKind.TRANSPLANT: (_patch_shape, _transplant),
    DefectKind.DISTORTION: (_large_shape, _distortion),
    DefectKind.BLUR: (_large_shape, _blur),
    DefectKind.HOT_SPOT: (_round_shape, _hot_spot),
}
AT_AN_EDGE: Final = frozenset({DefectKind.FRAY, DefectKind.BROKEN_EDGE})
