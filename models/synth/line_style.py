"""How the parts of one drawn production line look: surface, size, printed marks, relief, sensor set points."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

import numpy as np

# Height x width in px; about what a part's crop of an area camera measures after binning.
_SIZES = ((240, 320), (256, 256), (280, 360), (200, 400))


class Surface(StrEnum):
    """The families of surface."""

    BRUSHED = "brushed"
    CAST = "cast"
    WOVEN = "woven"
    TURNED = "turned"
    PRINTED = "printed"


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A printed mark; centre and size as shares of the part's height (y) and width (x). No ``text`` = a plain shape."""

    x: float
    y: float
    size: float
    shape: str  # "bar" | "disc" | "ring" | "text"
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class Boss:
    """A round step of the relief: centre and radius as shares, ``height_mm`` towards the camera, negative = recess."""

    x: float
    y: float
    radius: float
    height_mm: float


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
class LineStyle:
    """Everything that the parts of one line and product share; equal styles draw equal parts."""

    seed: int
    product: str
    surface: Surface
    height_px: int
    width_px: int
    mm_per_px: float
    rgb: tuple[float, float, float]  # body colour, 0..1
    ink: tuple[float, float, float]  # colour of the marks
    contrast: float  # of the texture, in shares of full scale
    grain_px: float  # typical size of the texture
    angle_deg: float
    marks: tuple[Mark, ...]
    bosses: tuple[Boss, ...]
    standoff_mm: float
    sensors: tuple[SensorSetPoint, ...]

    @classmethod
    def random(cls, seed: int, surface: Surface | None = None) -> Self:
        """Draw a style; ``surface`` fixes the family. The same seed gives the same style."""
        rng = np.random.default_rng([0x5717E, seed])
        family = list(Surface)[int(rng.integers(len(Surface)))]
        height, width = _SIZES[int(rng.integers(len(_SIZES)))]
        base = float(rng.uniform(0.35, 0.7))
        tint = rng.uniform(-0.06, 0.06, 3)
        style = cls(
            seed=seed,
            product="A",
            surface=surface or family,
            height_px=height,
            width_px=width,
            mm_per_px=round(float(rng.uniform(0.1, 0.4)), 3),
            rgb=(base + float(tint[0]), base + float(tint[1]), base + float(tint[2])),
            ink=(0.0, 0.0, 0.0),
            contrast=float(rng.uniform(0.03, 0.07)),
            grain_px=float(rng.uniform(1.5, 4.0)),
            angle_deg=float(rng.choice([0.0, 90.0]) + rng.uniform(-10, 10)),
            marks=(),
            bosses=tuple(
                Boss(
                    x=float(rng.uniform(0.2, 0.8)),
                    y=float(rng.uniform(0.2, 0.8)),
                    radius=float(rng.uniform(0.06, 0.14)),
                    height_mm=float(rng.choice([-1.0, 1.0]) * rng.uniform(0.5, 1.5)),
                )
                for _ in range(int(rng.integers(0, 3)))
            ),
            standoff_mm=float(rng.uniform(300, 500)),
            sensors=(
                SensorSetPoint(
                    name="Temperature", unit="°C", level=float(rng.uniform(40, 80)), spread=0.4, noise=0.05
                ),
                SensorSetPoint(
                    name="Vibration", unit="mm/s", level=0.0, spread=0.0, noise=0.25,
                    tone=float(rng.uniform(0.6, 1.4)), tone_hz=float(rng.uniform(3, 8)),
                ),
                SensorSetPoint(name="Pressure", unit="bar", level=float(rng.uniform(4, 7)), spread=0.03, noise=0.01),
                SensorSetPoint(name="Speed", unit="m/s", level=float(rng.uniform(0.3, 1.2)), spread=0.005, noise=0.002),
            ),
        )  # fmt: skip
        return style.variant(0)

    def variant(self, index: int) -> Self:
        """The ``index``-th product of this line: same surface and machine, other marks and shade. 0 is product "A"."""
        if index < 0:
            raise ValueError(f"product index is {index}, expected >= 0")
        rng = np.random.default_rng([0x7A51A, self.seed, index])
        shapes = ("bar", "disc", "ring", "text")
        count = int(rng.integers(5, 9)) if self.surface is Surface.PRINTED else int(rng.integers(1, 3))
        marks = []
        for cell in rng.permutation(9)[:count]:  # one mark per cell of a 3 x 3 grid: none hides another
            shape = shapes[int(rng.integers(len(shapes)))]
            marks.append(
                Mark(
                    x=float(0.2 + 0.3 * (cell % 3) + rng.uniform(-0.03, 0.03)),
                    y=float(0.2 + 0.3 * (cell // 3) + rng.uniform(-0.03, 0.03)),
                    size=float(rng.uniform(0.07, 0.1)),
                    shape=shape,
                    text="".join(rng.choice(list("ABCDEFHKLMNPRSTUVXYZ0123456789"), 4)) if shape == "text" else "",
                )
            )
        dark = sum(self.rgb) / 3 > 0.5
        ink = rng.uniform(0.05, 0.2, 3) if dark else rng.uniform(0.75, 0.95, 3)
        shade = float(rng.uniform(-0.05, 0.05)) if index else 0.0
        red, green, blue = self.rgb
        return replace(
            self,
            product=chr(ord("A") + index) if index < 26 else f"P{index}",
            marks=tuple(marks),
            ink=(float(ink[0]), float(ink[1]), float(ink[2])),
            rgb=(red + shade, green + shade, blue + shade),
        )
