"""Drawn parts: good ones to learn from, then a known rate of defects, some of which only one modality shows."""

from typing import Final

import numpy as np

from lineside.plant.produced_part import ProducedPart, Shot
from models.synth.defect import SENSOR_KINDS, DefectSpec
from models.synth.depth import focal_length_px
from models.synth.line import LineSetting, SynthPart, draw_line, draw_part, random_defects, variant
from wire.frame import DEPTH, RGB, SENSOR
from wire.image_codec import encode_jpeg, encode_png

# 0.01 mm: 16 bits reach 655 mm, beyond every stand-off that is drawn, and the step stays below the sensor's noise.
_DEPTH_MM_PER_COUNT: Final = 0.01
# One family per line, so that a demo shows that lines differ.
_FAMILIES: Final = ("brushed", "cast", "printed", "machined", "weave", "washer", "board", "ground")
# Height x width in px; about what a part's crop of an area camera measures after binning.
_SIZES: Final = ((240, 320), (256, 256), (280, 360), (200, 400))
# Seeds from here on show eight lines that differ at first sight: bright and dark, grey and coloured.
_FIRST_SEED: Final = 24
# Parts after the commissioning use other drawings: a detector that met them while learning would look too good.
_AFTER_COMMISSIONING: Final = 1_000_000
# One defect in eight is in the process, not on the part.
_SENSOR_SHARE: Final = 0.125
# Clear to a person: a demo whose truth cannot be seen convinces nobody.
_VISIBILITY: Final = (3.0, 10.0)
_LEAST_PX: Final = 8.0


class ProceduralParts:
    """Implements PartSource. ``defect_rate``: share of defective parts, from the next one drawn on."""

    def __init__(self, *, seed: int, depth: bool, defect_rate: float, commissioning_parts: int) -> None:
        self.commissioning_parts = commissioning_parts
        self._seed = seed
        height, width = _SIZES[seed // len(_FAMILIES) % len(_SIZES)]
        self._line = draw_line(_FIRST_SEED + seed, family=_FAMILIES[seed % len(_FAMILIES)], height=height, width=width)
        self._products = {0: self._line}
        self._modalities = (RGB, SENSOR, *([DEPTH] if depth else []))
        self.defect_rate = defect_rate

    @property
    def mm_per_px(self) -> float:
        """The camera's calibration."""
        return self._line.mm_per_px

    def part(self, index: int, *, commissioning: bool, product_index: int) -> ProducedPart:
        """Draw a part; commissioning parts are good."""
        line = self._products.setdefault(product_index, variant(self._line, product_index))
        defects = () if commissioning else self._defects(line, index, product_index)
        number = index + (0 if commissioning else _AFTER_COMMISSIONING)
        drawn = draw_part(line, number, defects, modalities=self._modalities)
        shots = [Shot(modality=RGB, data=encode_jpeg(drawn.rgb_u8), extension=".jpg")]
        if DEPTH in self._modalities:
            shots.append(_depth_shot(drawn, line))
        return ProducedPart(
            product=line.product,
            shots=tuple(shots),
            sensors=drawn.sensors,
            defect=bool(drawn.defects),
            defect_type=drawn.defects[0].kind.value if drawn.defects else "",
            defect_modalities=drawn.modalities_showing,
        )

    def _defects(self, line: LineSetting, index: int, product_index: int) -> tuple[DefectSpec, ...]:
        rng = np.random.default_rng([0xFA17, self._seed, product_index, index])
        if rng.random() >= self.defect_rate:
            return ()
        if rng.random() < _SENSOR_SHARE:
            kinds = sorted(SENSOR_KINDS)
            return (DefectSpec(kind=kinds[int(rng.integers(len(kinds)))], seed=index),)
        return random_defects(
            line, rng, count=1, least_px=_LEAST_PX, visibility=_VISIBILITY, modalities=self._modalities
        )


def _depth_shot(drawn: SynthPart, line: LineSetting) -> Shot:
    counts = np.nan_to_num(np.asarray(drawn.depth_mm) / np.float32(_DEPTH_MM_PER_COUNT), nan=0.0)
    focal_px = focal_length_px(line)
    intrinsics = (focal_px, focal_px, line.width_px / 2, line.height_px / 2)
    return Shot(
        modality=DEPTH,
        data=encode_png(np.clip(np.round(counts), 0, 65535).astype(np.uint16)),
        extension=".png",
        attributes={
            "depthscale": str(_DEPTH_MM_PER_COUNT),
            "intrinsics": ",".join(f"{value:.3f}" for value in intrinsics),
        },
    )
