"""Drawn parts: good ones to learn from, then a known rate of defects, some of which only one modality shows."""

from typing import Final

import numpy as np

from lineside.plant.produced_part import ProducedPart, Shot
from models.synth.defect import MODALITIES_SHOWING, DefectKind, DefectSpec
from models.synth.line_style import LineStyle, Surface
from models.synth.parts import SynthPart, draw
from wire.frame import DEPTH, RGB, SENSOR
from wire.image_codec import encode_jpeg, encode_png

# 0.01 mm: 16 bits reach 655 mm, beyond every stand-off that is drawn, and the step stays below the sensor's noise.
_DEPTH_MM_PER_COUNT: Final = 0.01
# One family of surface per line, so that a demo shows that lines differ.
_SURFACES: Final = (Surface.BRUSHED, Surface.CAST, Surface.PRINTED, Surface.TURNED, Surface.WOVEN)
# Parts after the commissioning use other drawings: a detector that met them while learning would look too good.
_AFTER_COMMISSIONING: Final = 1_000_000


class ProceduralParts:
    """Implements PartSource."""

    def __init__(self, *, seed: int, depth: bool, defect_rate: float, commissioning_parts: int) -> None:
        self.commissioning_parts = commissioning_parts
        self._seed = seed
        self._style = LineStyle.random(seed, _SURFACES[seed % len(_SURFACES)])
        self._depth = depth
        self._defect_rate = defect_rate
        visible = {RGB, SENSOR, *([DEPTH] if depth else [])}
        self._kinds = [kind for kind in DefectKind if visible & set(MODALITIES_SHOWING[kind])]

    @property
    def mm_per_px(self) -> float:
        """The camera's calibration."""
        return self._style.mm_per_px

    def part(self, index: int, *, commissioning: bool, product_index: int) -> ProducedPart:
        """Draw a part; commissioning parts are good."""
        style = self._style.variant(product_index)
        defect = None if commissioning else self._defect(index, product_index)
        drawn = draw(style, index + (0 if commissioning else _AFTER_COMMISSIONING), defect)
        shots = [Shot(modality=RGB, data=encode_jpeg(drawn.rgb_u8), extension=".jpg")]
        if self._depth:
            shots.append(self._depth_shot(drawn, style))
        modalities = {RGB, SENSOR, *([DEPTH] if self._depth else [])}
        return ProducedPart(
            product=style.product,
            shots=tuple(shots),
            sensors=drawn.sensors,
            defect=defect is not None,
            defect_type=drawn.defect_type or "",
            defect_modalities=tuple(name for name in drawn.modalities_showing if name in modalities),
        )

    def _defect(self, index: int, product_index: int) -> DefectSpec | None:
        rng = np.random.default_rng([0xFA17, self._seed, product_index, index])
        if rng.random() >= self._defect_rate:
            return None
        return DefectSpec(kind=self._kinds[int(rng.integers(len(self._kinds)))], severity=float(rng.uniform(0.7, 1.5)))

    def _depth_shot(self, drawn: SynthPart, style: LineStyle) -> Shot:
        counts = np.nan_to_num(drawn.depth_mm / np.float32(_DEPTH_MM_PER_COUNT), nan=0.0)
        focal_px = style.standoff_mm / style.mm_per_px
        intrinsics = (focal_px, focal_px, style.width_px / 2, style.height_px / 2)
        return Shot(
            modality=DEPTH,
            data=encode_png(np.clip(np.round(counts), 0, 65535).astype(np.uint16)),
            extension=".png",
            attributes={
                "depthscale": str(_DEPTH_MM_PER_COUNT),
                "intrinsics": ",".join(f"{value:.3f}" for value in intrinsics),
            },
        )
