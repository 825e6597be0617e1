"""The generator's front: draw a line once, then its parts, good or with defects.

One ``LineSetting`` is drawn many times, each part with its own harmless variation. Equal arguments give equal parts;
with or without defects, and whatever modalities are asked for, all else is the same.
"""

from collections.abc import Collection, Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.synth.camera import Exposure
from models.synth.defect import MODALITIES, SENSOR_KINDS, DefectKind, DefectSpec
from models.synth.defect_painter import DefectPainter, Seen
from models.synth.depth import cloud_of, draw_depth
from models.synth.infrared import draw_infrared
from models.synth.light import fall
from models.synth.line_draw import FAMILIES, PHOTOGRAPH, draw_line, variant
from models.synth.part import DrawnDefect, SynthPart, box_of
from models.synth.photographs import load_photographs
from models.synth.random_defects import random_defects
from models.synth.scene import SceneBuilder
from models.synth.seeding import stream
from models.synth.sensor_trace import draw_traces
from models.synth.setting import LineSetting
from wire.frame import DEPTH, INFRARED, POINTCLOUD, RGB, SENSOR

__all__ = [
    "FAMILIES", "PHOTOGRAPH", "DefectKind", "DefectSpec", "DrawnDefect", "LineSetting", "SynthPart", "draw_line",
    "draw_part", "load_photographs", "random_defects", "variant",
]  # fmt: skip

# Purposes of the random streams of one part.
_LIGHT, _CAMERA, _DEPTH, _INFRARED, _SENSORS, _FAULTS = range(6)
_PART: Final = 0xBA57


def draw_part(
    line: LineSetting, index: int, defects: Sequence[DefectSpec] = (), *, modalities: Collection[str] = (RGB,)
) -> SynthPart:
    """Draw part ``index`` >= 0 of a line with ``defects``; the RGB picture is always drawn, other modalities if asked.

    A defect that comes out too faint to be seen in any drawn modality is left out. ValueError for an unknown modality.
    """
    strange = set(modalities) - set(MODALITIES)
    if strange:
        raise ValueError(f"modalities are {sorted(strange)}, expected some of {', '.join(MODALITIES)}")
    wanted = {RGB, *modalities}
    words = (line.seed, *line.product.encode(), index)
    light = fall(line.light, line.height_px, line.width_px, stream(_PART, _LIGHT, *words))
    exposure = Exposure(line.camera, stream(_PART, _CAMERA, *words))
    painter = DefectPainter(line, index, SceneBuilder(line, index), light, exposure, wanted)
    seen = _draw_defects(painter, defects)
    rgb_u8 = exposure.record(exposure.develop(painter.lit))
    scene = painter.scene
    depth_mm = infrared_u8 = None
    if wanted & {DEPTH, POINTCLOUD}:
        depth_mm = draw_depth(line, scene.shape_mm, painter.sound_albedo, stream(_PART, _DEPTH, *words))
    if INFRARED in wanted:
        rng = stream(_PART, _INFRARED, *words)
        infrared_u8 = draw_infrared(line, scene.warmth, painter.sound_body, painter.sound_albedo, rng)
    faults = [spec for spec in defects if spec.kind in SENSOR_KINDS]
    streams = (stream(_PART, _SENSORS, *words), stream(_PART, _FAULTS, *words))
    grey = np.asarray(cv2.cvtColor(rgb_u8, cv2.COLOR_RGB2GRAY), np.uint8)
    drawn = tuple(
        found
        for number, spec in enumerate(defects)
        if (found := _drawn(line, spec, seen.get(number), wanted, grey)) is not None
    )
    mask = np.zeros(grey.shape, np.bool_)
    for defect in drawn:
        mask |= defect.mask
    return SynthPart(
        rgb_u8=rgb_u8,
        infrared_u8=infrared_u8,
        depth_mm=depth_mm if DEPTH in wanted else None,
        cloud=cloud_of(line, depth_mm) if POINTCLOUD in wanted and depth_mm is not None else None,
        sensors=draw_traces(line.sensors, streams[0], faults, streams[1]) if SENSOR in wanted else {},
        mask=mask,
        defects=drawn,
    )


def _draw_defects(painter: DefectPainter, defects: Sequence[DefectSpec]) -> dict[int, Seen]:
    seen = painter.draw_layouts(defects)
    for number, spec in enumerate(defects):
        if number not in seen and spec.kind not in SENSOR_KINDS:
            found = painter.draw(spec)
            if found is not None:
                seen[number] = found
    return seen


def _drawn(
    line: LineSetting, spec: DefectSpec, seen: Seen | None, wanted: Collection[str], grey: NDArray[np.uint8]
) -> DrawnDefect | None:
    mask = np.zeros(grey.shape, np.bool_)
    masks = {} if seen is None else seen.masks
    for own in masks.values():
        mask |= own
    showing = tuple(masks) if spec.kind not in SENSOR_KINDS else (SENSOR,) if SENSOR in wanted else ()
    if not showing:
        return None
    return DrawnDefect(
        kind=spec.kind,
        masks=masks,
        mask=mask,
        xyxy_px=box_of(mask),
        modalities_showing=showing,
        mm_per_px=line.mm_per_px,
        grey=grey,
    )
