"""Draws defects into a scene, strong enough to be seen as asked for, and measures where they can be seen."""

import math
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.synth.camera import Exposure
from models.synth.channels import Picture, grey_of
from models.synth.defect import LAYOUT_KINDS, DefectSpec
from models.synth.defect_effect import Shown
from models.synth.defect_recipe import AT_AN_EDGE, RECIPES, Brush, Outline
from models.synth.defect_shape import Place, Support, Window
from models.synth.layout_change import changed_layout
from models.synth.light import Light, shade
from models.synth.scene import Scene, SceneBuilder
from models.synth.seeding import Plane, stream
from models.synth.setting import LineSetting
from wire.frame import DEPTH, INFRARED, POINTCLOUD, RGB

Mask = NDArray[np.bool_]
# Two grey levels: less is lost in rounding, and nobody would mark it.
_LEAST_CHANGE: Final = 2.0 / 255
# A soft edge is marked down to this share of the defect's strong places.
_SHARE_OF_PEAK: Final = 0.25
# Three times the noise of the 3D sensor, and what an uncooled infrared camera resolves.
_LEAST_DEPTH_MM: Final = 0.06
_LEAST_WARMTH: Final = 0.02
# What comes out too faint is drawn again, this much stronger, so often; then it is left out.
_STRONGER: Final = 2.0
_TRIES: Final = 3
_LARGEST_CHANGE: Final = 0.55
# Masks follow a defect of any size to within this many px.
_WIDEST_PX: Final = 4.0
_SOFT_EDGE: Final = 0.1
# Once so much of a defect's core is seen, the whole core is marked.
_CORE: Final = 0.5
_SHARE_OF_CORE: Final = 0.4
_CLOSING: Final = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Where each modality shows a defect: modality -> (H, W)."""

    masks: dict[str, Mask]


class DefectPainter:
    """Holds one part's scene and its light while defects are drawn, one after the other."""

    def __init__(
        self, line: LineSetting, index: int, builder: SceneBuilder, light: Light, exposure: Exposure,
        modalities: AbstractSet[str],
    ) -> None:  # fmt: skip
        self._line = line
        self._index = index
        self._builder = builder
        self._light = light
        self._exposure = exposure
        self._modalities = modalities
        self._layout = line.layout
        self.scene = builder.build(line.planes)
        # Other sensors meet the part as it should be: what they show of a defect is drawn for them alone.
        self.sound_albedo = grey_of(self.scene.albedo.copy())
        self.sound_body = self.scene.body
        self.lit = self._shaded(np.s_[:, :])

    def draw_layouts(self, specs: Sequence[DefectSpec]) -> dict[int, Seen]:
        """Draw those of ``specs`` that change the layout; they come first, for they build the scene anew.

        Answer: place in ``specs`` -> where it is seen. What is not in it is drawn by ``draw``, or not at all.
        """
        seen = {}
        for number, spec in enumerate(specs):
            if spec.kind in LAYOUT_KINDS and self._line.layout:
                found = self._draw_layout(spec)
                if found is not None:
                    seen[number] = found
        return seen

    def draw(self, spec: DefectSpec) -> Seen | None:
        """Draw one defect of the surface; None if it cannot be seen, and then nothing has changed."""
        rng = self._stream(spec, 1)
        inward = 0.0
        centre = self._centre(spec, rng)
        if spec.kind in AT_AN_EDGE:
            centre, inward = self._edge(centre)
        place = Place(centre, 0.75 * spec.size_px + 4 + self._exposure.reach_px,
                      height=self._line.height_px, width=self._line.width_px)  # fmt: skip
        to_shape, to_effect = RECIPES[spec.kind]
        support = to_shape(Outline(line=self._line, place=place, size_px=spec.size_px, inward=inward), rng)
        body = self.scene.body[support.window]
        np.multiply(support.share, body, out=support.share)
        contrast = self._contrast(support.window, support.thickness_px, spec.visibility)
        before = _Kept(self.scene, self.lit, support.window)
        level = self._level(support.window, support.share)
        for attempt in range(_TRIES):
            strength = _STRONGER**attempt
            brush = Brush(
                line=self._line,
                scene=self.scene,
                support=support,
                shown=self._shown(spec),
                change=min(contrast * strength, _LARGEST_CHANGE) * level.albedo_per_grey,
                level=level.albedo,
                visibility=spec.visibility * strength,
            )
            effect_rng = self._stream(spec, 2)
            to_effect(brush, effect_rng)
            brush.warm(effect_rng)
            before.restore_what_is_not_shown(self.scene, brush.shown)
            self.lit[support.window] = self._shaded(support.window)
            seen = self._seen(before, spec, support)
            if seen is not None:
                return seen
            before.restore(self.scene, self.lit)
        return None

    def _draw_layout(self, spec: DefectSpec) -> Seen | None:
        rng = self._stream(spec, 3)
        reach = max(1.5, spec.size_px / 2) / self._line.unit_px
        pieces = changed_layout(self._layout, spec.kind, rng, reach=reach)
        if pieces is None:
            return None
        before = _Kept(self.scene, self.lit, np.s_[:, :])
        self.scene = self._builder.build(self._line.painted(pieces))
        before.restore_what_is_not_shown(self.scene, self._shown(spec))
        self.lit = self._shaded(np.s_[:, :])
        seen = self._seen(before, spec, None)
        if seen is None:
            before.restore(self.scene, self.lit)
        else:
            self._layout = pieces
        return seen

    def _stream(self, spec: DefectSpec, purpose: int) -> Generator:
        line = self._line
        return stream(0xDEF, purpose, line.seed, *line.product.encode(), self._index, spec.seed)

    def _shown(self, spec: DefectSpec) -> Shown:
        names = spec.shown_in
        return Shown(rgb=RGB in names, depth=DEPTH in names or POINTCLOUD in names, infrared=INFRARED in names)

    def _shaded(self, window: Window) -> Picture:
        scene = self.scene
        relief = scene.relief_mm if scene.lit_relief else None
        return shade(scene.albedo, relief, self._light, mm_per_px=self._line.mm_per_px, window=window)

    def _centre(self, spec: DefectSpec, rng: Generator) -> tuple[float, float]:
        height, width = self._line.height_px, self._line.width_px
        if spec.at is not None:
            return (spec.at[0] * (width - 1), spec.at[1] * (height - 1))
        # Not quite at the rim, where half of a small defect would be lost.
        places = np.flatnonzero(np.asarray(cv2.blur(self.scene.body, (5, 5)))[::3, ::3] > 0.99)
        if places.size == 0:
            return (width / 2, height / 2)
        columns = -(-width // 3)
        at = int(places[int(rng.integers(places.size))])
        return (float(3 * (at % columns)), float(3 * (at // columns)))

    def _edge(self, centre: tuple[float, float]) -> tuple[tuple[float, float], float]:
        """The point of the body's outline nearest to ``centre``, and the direction into the body there, radians."""
        inside = np.pad((self.scene.body > 0.5).astype(np.uint8), 1)
        away = np.asarray(cv2.distanceTransform(inside, cv2.DIST_L2, 3), np.float32)
        x, y = int(centre[0]) + 1, int(centre[1]) + 1
        for _ in range(max(inside.shape)):  # downhill to the outline
            window = away[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2]
            if away[y, x] <= 1:
                break
            down = np.unravel_index(int(window.argmin()), window.shape)
            y, x = max(0, y - 1) + int(down[0]), max(0, x - 1) + int(down[1])
        inward = math.atan2(centre[1] + 1 - y, centre[0] + 1 - x)
        return (float(x - 1), float(y - 1)), inward

    def _contrast(self, window: Window, thickness_px: float, visibility: float) -> float:
        """The change of grey (0..1) that stands out by ``visibility`` at a defect's own scale."""
        side = max(1, round(thickness_px / 2))
        grey = grey_of(self._exposure.develop(self.lit[window]))
        deviation = float(np.asarray(cv2.blur(grey, (side, side))).std())
        noise = self._exposure.noise / math.sqrt(max(thickness_px, 1.0))
        return visibility * math.hypot(deviation, noise, 1.2 / 255)

    def _level(self, window: Window, share: Plane) -> "_Level":
        weight = max(float(share.sum()), 1e-3)
        albedo = float((grey_of(self.scene.albedo[window]) * share).sum()) / weight
        grey = float((grey_of(self._exposure.develop(self.lit[window])) * share).sum()) / weight
        return _Level(albedo=albedo, albedo_per_grey=float(np.clip(albedo / max(grey, 0.02), 0.2, 5.0)))

    def _seen(self, before: "_Kept", spec: DefectSpec, support: Support | None) -> Seen | None:
        """Masks of what has changed visibly since ``before``; None if no modality shows it."""
        window, names = before.window, spec.shown_in
        masks = {}
        if RGB in names:
            masks[RGB] = self._visible(before.lit, self.lit[window], support)
        if self._modalities & {DEPTH, POINTCLOUD}:
            deep = np.abs(self.scene.shape_mm[window] - before.shape_mm) > _LEAST_DEPTH_MM
            masks |= {name: deep for name in (DEPTH, POINTCLOUD) if name in names and name in self._modalities}
        if INFRARED in names and INFRARED in self._modalities:
            masks[INFRARED] = np.abs(self.scene.warmth[window] - before.warmth) > _LEAST_WARMTH
        shown = {name: mask for name, mask in masks.items() if int(mask.sum()) >= 2}
        return Seen(masks={name: self._whole(mask, window) for name, mask in shown.items()}) if shown else None

    def _visible(self, before: Picture, after: Picture, support: Support | None) -> Mask:
        """Where the developed picture differs by enough, (h, w); ``support`` None = wherever that is."""
        change = np.abs(self._exposure.develop(after) - self._exposure.develop(before))
        change = change if change.ndim == 2 else np.asarray(change.max(axis=2))
        if support is not None:
            # Foreign texture meets the old tone here and there; those places belong to the defect, too.
            side = 2 * round(min(support.thickness_px / 8, _WIDEST_PX)) + 1
            change = np.asarray(cv2.blur(change, (side, side)), np.float32)
            within = cv2.GaussianBlur(support.share, (0, 0), 1 + self._exposure.reach_px / 3)
            change = change * (np.asarray(within, np.float32) > _SOFT_EDGE)
        peak = float(change.max())
        if peak < _LEAST_CHANGE:
            return np.zeros(change.shape, np.bool_)
        limit = max(_LEAST_CHANGE, _SHARE_OF_PEAK * peak, self._exposure.noise * 0.5)
        mask = (change > limit).astype(np.uint8)
        marked = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, _CLOSING), np.uint8).astype(np.bool_)
        if support is not None:
            core = support.share > _CORE
            if int((marked & core).sum()) >= _SHARE_OF_CORE * int(core.sum()):
                marked |= core  # the floor of a dent lies level, but nobody would leave it out
        return marked

    def _whole(self, mask: Mask, window: Window) -> Mask:
        whole = np.zeros((self._line.height_px, self._line.width_px), np.bool_)
        whole[window] = mask
        return whole


@dataclass(frozen=True, kw_only=True)
class _Level:
    albedo: float
    albedo_per_grey: float


class _Kept:
    """What a window of the scene was before a defect."""

    def __init__(self, scene: Scene, lit: Picture, window: Window) -> None:
        self.window = window
        self.lit = lit[window].copy()
        self.albedo = scene.albedo[window].copy()
        self.relief_mm = scene.relief_mm[window].copy()
        self.shape_mm = scene.shape_mm[window].copy()
        self.warmth = scene.warmth[window].copy()
        self._lit_relief = scene.lit_relief

    def restore(self, scene: Scene, lit: Picture) -> None:
        """Undo everything."""
        lit[self.window] = self.lit
        self.restore_what_is_not_shown(scene, Shown(rgb=False, depth=False, infrared=False))

    def restore_what_is_not_shown(self, scene: Scene, shown: Shown) -> None:
        """Undo what belongs to modalities that shall not show the defect."""
        if not shown.rgb:
            scene.albedo[self.window] = self.albedo
            scene.relief_mm[self.window] = self.relief_mm
            scene.lit_relief = self._lit_relief
        if not shown.depth:
            scene.shape_mm[self.window] = self.shape_mm
        if not shown.infrared:
            scene.warmth[self.window] = self.warmth
