"""Everything that the parts of one drawn production line share."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from models.synth.camera import CameraSetting
from models.synth.channels import grey_of
from models.synth.layout import Piece, Planes, paint
from models.synth.light import LightSetting
from models.synth.material import Material, PhotographMaterial
from models.synth.object_layout import OBJECTS
from models.synth.seeding import stream
from models.synth.surface import build_surface

Colour = tuple[float, float, float]
_MATERIAL, _SKIN = 0x3A7E, 0x5C17
# A turned or shifted layout must not show its own edge.
_MARGIN = 0.16
# Below this share a photograph is reduced more than bilinear reading can bear without aliasing.
_LEAST_READING_SCALE = 0.7


@dataclass(frozen=True, kw_only=True)
class Substance:
    """A material as the camera sees it: colour, and how much one deviation of its texture changes each channel."""

    family: str
    colour: Colour
    contrast: Colour
    grain_px: float
    angle_deg: float


@dataclass(frozen=True, kw_only=True)
class Pose:
    """How parts lie: deviations of shift and turn from part to part; ``any_turn`` = parts come in every direction."""

    shift_px: float
    turn_deg: float
    any_turn: bool
    stretch: float


@dataclass(frozen=True, kw_only=True)
class Border:
    """The picture shows a strip's edges: shares of the width (left, right) and height (top, bottom), 0 = not there."""

    left: float
    right: float
    top: float
    bottom: float
    soft_px: float
    bevel_px: float
    bevel_gain: float
    backdrop: float
    rough_px: float


@dataclass(frozen=True, kw_only=True)
class Harmless:
    """What a good part may carry: mean number of specks and hairs; sizes in px, change of tone in shares of range."""

    specks: float
    speck_px: float
    speck_tone: float
    hairs: float
    hair_tone: float


@dataclass(frozen=True, kw_only=True)
class SensorSetPoint:
    """Where one channel of a good part lies: ``level`` ± ``spread`` from part to part, ``noise`` within the window."""

    name: str
    unit: str
    level: float
    spread: float
    noise: float
    tone: float = 0.0  # amplitude of the machine's own rotation
    tone_hz: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Photograph:
    """A photograph and how a line uses it; lines compare by its name."""

    name: str
    pixels: NDArray[np.uint8] = field(compare=False, repr=False)  # (h, w, 3)
    scale: float
    any_turn: bool


@dataclass(frozen=True, kw_only=True)
class LineSetting:
    """One line and product. Immutable; equal settings draw equal parts.

    ``surface``: what the part is made of, or, for an object, what it lies on; ``skin``: what an object is made of
    (its pieces give the colours).
    """

    seed: int
    family: str
    height_px: int
    width_px: int
    product: str
    grey: bool
    mm_per_px: float
    surface: Substance
    skin: Substance | None
    layout: tuple[Piece, ...]
    pose: Pose
    border: Border | None
    light: LightSetting
    camera: CameraSetting
    harmless: Harmless
    standoff_mm: float
    sensors: tuple[SensorSetPoint, ...]
    photograph: Photograph | None = None

    @property
    def is_object(self) -> bool:
        """The part is an object before a background, not a surface that fills the picture."""
        return self.family in OBJECTS

    def resized(self, *, height: int, width: int) -> Self:
        """The same line seen by a camera with another number of pixels."""
        return replace(self, height_px=height, width_px=width)

    @cached_property
    def material(self) -> Material:
        """The surface's texture, built once per line."""
        if self.photograph is not None:
            return _photograph_material(self.photograph, self.grey, self.height_px, self.width_px)
        return self._built(self.surface, _MATERIAL)

    @cached_property
    def skin_material(self) -> Material | None:
        """The texture of an object's own surface."""
        return None if self.skin is None else self._built(self.skin, _SKIN)

    @cached_property
    def planes(self) -> Planes | None:
        """The layout as it should be, painted once per line with a margin around the picture."""
        return self.painted(self.layout) if self.layout else None

    @property
    def margin_px(self) -> int:
        """Width of the margin around painted planes."""
        return round(_MARGIN * max(self.height_px, self.width_px))

    @property
    def unit_px(self) -> float:
        """The layout's unit of length."""
        return min(self.height_px, self.width_px) / 2

    def painted(self, pieces: tuple[Piece, ...]) -> Planes:
        """Another layout of this line, painted like ``planes``."""
        planes = paint(
            pieces,
            height=self.height_px + 2 * self.margin_px,
            width=self.width_px + 2 * self.margin_px,
            unit_px=self.unit_px,
        )
        if self.grey:
            planes.paint = grey_of(planes.paint)
        return planes

    def _built(self, substance: Substance, purpose: int) -> Material:
        return build_surface(
            substance.family,
            height=self.height_px,
            width=self.width_px,
            grain_px=substance.grain_px,
            angle_deg=substance.angle_deg,
            rng=stream(purpose, self.seed),
        )


def _photograph_material(photograph: Photograph, grey: bool, height: int, width: int) -> Material:
    pixels, scale = photograph.pixels, photograph.scale
    if scale < _LEAST_READING_SCALE:
        size = (max(8, round(pixels.shape[1] * scale)), max(8, round(pixels.shape[0] * scale)))
        pixels, scale = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8), 1.0
    tone = pixels.astype(np.float32)
    if grey:
        tone = grey_of(tone)
    deviation = max(float(grey_of(tone).std()), 1.0)
    tone = (tone - tone.mean(axis=(0, 1), dtype=np.float32)) / np.float32(deviation)
    return PhotographMaterial(
        tone.astype(np.float32), scale=scale, height=height, width=width, any_turn=photograph.any_turn
    )
