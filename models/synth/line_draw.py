"""Draws a new line: family, colours, layout, lamps, camera and allowed variation, all from one seed."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.synth.camera import CameraSetting
from models.synth.layout import Piece
from models.synth.light import LightSetting
from models.synth.object_layout import OBJECTS, Colour, draw_object
from models.synth.print_layout import draw_mark, draw_print, draw_stripes
from models.synth.seeding import log_uniform, stream
from models.synth.setting import Border, Harmless, LineSetting, Photograph, Pose, SensorSetPoint, Substance
from models.synth.surface import SURFACES

PHOTOGRAPH: Final = "photograph"
FAMILIES: Final = (*SURFACES, *OBJECTS, PHOTOGRAPH)
_LINE, _VARIANT = 0x11E5, 0x7A51


@dataclass(frozen=True, kw_only=True)
class _Look:
    """Brightness of a family's body, contrast of its texture and how colourful it is: ranges that real parts span."""

    level: tuple[float, float]
    contrast: tuple[float, float]
    colourful: float
    grain_px: tuple[float, float] = (1.5, 5.0)


_METAL = _Look(level=(0.12, 0.65), contrast=(0.02, 0.14), colourful=0.03)
_LOOKS: Final = {
    "brushed": _METAL,
    "ground": _Look(level=(0.08, 0.6), contrast=(0.015, 0.09), colourful=0.02),
    "rolled": _Look(level=(0.12, 0.6), contrast=(0.01, 0.08), colourful=0.02),
    "cast": _Look(level=(0.08, 0.5), contrast=(0.015, 0.1), colourful=0.03),
    "sanded": _METAL,
    "machined": _METAL,
    "ceramic": _Look(level=(0.55, 0.9), contrast=(0.006, 0.04), colourful=0.08),
    "concrete": _Look(level=(0.3, 0.65), contrast=(0.02, 0.1), colourful=0.03),
    "paper": _Look(level=(0.55, 0.88), contrast=(0.008, 0.04), colourful=0.1),
    "rubber": _Look(level=(0.05, 0.2), contrast=(0.008, 0.04), colourful=0.02),
    "wood": _Look(level=(0.25, 0.6), contrast=(0.02, 0.09), colourful=0.0),
    "weave": _Look(level=(0.15, 0.75), contrast=(0.03, 0.16), colourful=0.25),
    "knit": _Look(level=(0.15, 0.75), contrast=(0.04, 0.16), colourful=0.25),
    "wafer": _Look(level=(0.25, 0.55), contrast=(0.04, 0.14), colourful=0.12),
    "printed": _Look(level=(0.5, 0.9), contrast=(0.005, 0.03), colourful=0.15),
}
_BACKDROPS: Final = ("rubber", "printed", "brushed", "weave", "paper", "concrete", "ceramic")
# Brown: dark and bright wood differ in red more than in blue.
_WOOD: Final = (1.25, 0.95, 0.65)


def draw_line(
    seed: int,
    *,
    family: str | None = None,
    height: int = 256,
    width: int = 256,
    grey: bool | None = None,
    photographs: Sequence[NDArray[np.uint8]] = (),
) -> LineSetting:
    """A new line: its first product, "A". The same arguments give the same line.

    ``family`` None = any, a photograph only if some are given ((h, w, 3) uint8 each); ``grey`` None = either.
    ValueError for an unknown family, or for the family of photographs without one.
    """
    rng = stream(_LINE, seed)
    choices = FAMILIES if photographs else FAMILIES[:-1]
    drawn = choices[int(rng.integers(len(choices)))]
    if family is not None and family not in FAMILIES:
        raise ValueError(f"family is {family!r}, expected one of {', '.join(FAMILIES)}")
    family = family or drawn
    if family == PHOTOGRAPH and not photographs:
        raise ValueError("the family of photographs needs at least one photograph")
    is_grey = bool(rng.random() < 0.5)
    is_grey = is_grey if grey is None else grey
    photograph = _photograph(photographs, rng) if family == PHOTOGRAPH else None
    angle = float(rng.choice([0.0, 90.0]) + rng.normal(0, 3)) if rng.random() < 0.7 else float(rng.uniform(0, 180))
    if family in OBJECTS:
        surface = _substance(str(rng.choice(_BACKDROPS)), angle, rng, calm=0.6)
        skin = _substance(str(rng.choice(["cast", "brushed", "sanded", "printed"])), angle, rng, calm=0.5)
    elif photograph is not None:
        surface, skin = _of_photograph(photograph), None
    else:
        surface, skin = _substance(family, angle, rng), None
    border = (
        _border(rng) if family in ("ground", "rolled", "brushed", "cast", "machined") and rng.random() < 0.35 else None
    )
    light = _light(rng, soft=family in OBJECTS or photograph is not None)
    layout = _layout(family, surface.colour, stream(_VARIANT, seed, 0))
    return LineSetting(
        seed=seed,
        family=family,
        height_px=height,
        width_px=width,
        product="A",
        grey=is_grey,
        mm_per_px=round(log_uniform(rng, 0.05, 0.4) * 128 / min(height, width), 4),
        surface=surface,
        skin=skin,
        layout=layout,
        pose=_pose(family, rng),
        border=border,
        light=light,
        camera=_camera(rng, _seen_colour(family, surface.colour, layout), light),
        harmless=_harmless(rng, surface),
        standoff_mm=float(rng.uniform(300, 500)),
        sensors=_sensors(rng),
        photograph=photograph,
    )


def variant(line: LineSetting, index: int) -> LineSetting:
    """The ``index``-th product of a line: same surface and machine, other layout and shade; 0 is product "A"."""
    if index < 0:
        raise ValueError(f"product index is {index}, expected >= 0")
    rng = stream(_VARIANT, line.seed, index)
    body = line.surface.colour
    factor = float(rng.uniform(0.85, 1.15)) if index else 1.0
    shade = (body[0] * factor, body[1] * factor, body[2] * factor)
    return replace(
        line,
        product=chr(ord("A") + index) if index < 26 else f"P{index}",
        surface=line.surface if line.is_object else replace(line.surface, colour=shade),
        layout=_layout(line.family, body, rng),
    )


def _layout(family: str, body: Colour, rng: Generator) -> tuple[Piece, ...]:
    if family in OBJECTS:
        return draw_object(family, rng)
    dark = sum(body) / 3 > 0.45
    ink = _colour(rng, (0.03, 0.25) if dark else (0.7, 0.95), 0.15)
    if family == "printed":
        return draw_print(rng, ink, _colour(rng, (0.1, 0.7), 0.4))
    chance = rng.random()
    if chance < 0.15:
        place = rng.uniform(-0.5, 0.5, 2)
        return tuple(draw_mark(rng, float(place[0]), float(place[1]), ink, 1))
    if chance < 0.3:
        level = sum(body) / 3 * float(rng.choice([0.6, 0.8, 1.2, 1.5]))
        return draw_stripes(rng, (level, level, level))
    return ()


def _seen_colour(family: str, surface: Colour, layout: tuple[Piece, ...]) -> Colour:
    """The colour that fills most of the picture."""
    if family not in OBJECTS:
        return surface
    body = layout[0].colour
    share = 1.0 if family == "board" else 0.5
    red, green, blue = (share * b + (1 - share) * s for b, s in zip(body, surface, strict=True))
    return (red, green, blue)


def _substance(family: str, angle_deg: float, rng: Generator, calm: float = 1.0) -> Substance:
    look = _LOOKS[family]
    colour = _colour(rng, look.level, look.colourful)
    if family == "wood":
        level = sum(colour) / 3
        colour = (level * _WOOD[0], level * _WOOD[1], level * _WOOD[2])
    level = sum(colour) / 3
    # A dark body cannot swing far: what is black has no texture to see.
    contrast = min(log_uniform(rng, *look.contrast), 0.3 * level) * calm
    tint = 1 + look.colourful * rng.uniform(-1, 1, 3)
    return Substance(
        family=family,
        colour=colour,
        contrast=(contrast * float(tint[0]), contrast * float(tint[1]), contrast * float(tint[2])),
        grain_px=log_uniform(rng, *look.grain_px),
        angle_deg=angle_deg,
    )


def _colour(rng: Generator, level: tuple[float, float], colourful: float) -> Colour:
    middle = float(rng.uniform(*level))
    red, green, blue = np.clip(middle * (1 + colourful * rng.uniform(-1, 1, 3)), 0.02, 0.97)
    return (float(red), float(green), float(blue))


def _photograph(photographs: Sequence[NDArray[np.uint8]], rng: Generator) -> Photograph:
    pixels = photographs[int(rng.integers(len(photographs)))]
    name = hashlib.sha256(pixels[::16, ::16].tobytes()).hexdigest()[:16]
    return Photograph(name=name, pixels=pixels, scale=log_uniform(rng, 0.35, 1.5), any_turn=bool(rng.random() < 0.4))


def _of_photograph(photograph: Photograph) -> Substance:
    reduced = photograph.pixels[::4, ::4].reshape(-1, 3).astype(np.float32) / 255
    red, green, blue = reduced.mean(axis=0)
    contrast = min(float(reduced.mean(axis=1).std()), 0.16)
    return Substance(
        family=PHOTOGRAPH, colour=(float(red), float(green), float(blue)), contrast=(contrast, contrast, contrast),
        grain_px=3.0, angle_deg=0.0,
    )  # fmt: skip


def _pose(family: str, rng: Generator) -> Pose:
    loose = family in ("nut", "washer", "gear", "bottle_cap")
    return Pose(
        shift_px=log_uniform(rng, 0.3, 3.0),
        turn_deg=log_uniform(rng, 0.1, 1.5) if family != "pill" else 4.0,
        any_turn=loose and bool(rng.random() < 0.6),
        stretch=float(rng.uniform(0, 0.008)),
    )


def _border(rng: Generator) -> Border:
    """A strip with edges at its sides, more rarely also above and below."""
    sides = rng.uniform(0.04, 0.25, 4) * (rng.random(4) < (0.8, 0.8, 0.25, 0.25))
    return Border(
        left=float(sides[0]),
        right=float(sides[1]),
        top=float(sides[2]),
        bottom=float(sides[3]),
        soft_px=log_uniform(rng, 0.8, 4.0),
        bevel_px=log_uniform(rng, 1.0, 5.0),
        bevel_gain=float(rng.uniform(-0.4, 0.6)),
        backdrop=float(rng.uniform(0.01, 0.08)),
        rough_px=float(rng.uniform(0.0, 0.7)),
    )


def _light(rng: Generator, *, soft: bool) -> LightSetting:
    strength = 0.4 if soft else 1.0
    return LightSetting(
        angle_deg=float(rng.uniform(0, 360)),
        slant=float(rng.uniform(0.4, 1.6)),
        gloss=float(rng.uniform(0, 0.5)) * bool(rng.random() < 0.6),
        gloss_slope=float(rng.uniform(0.15, 0.5)),
        gradient=min(log_uniform(rng, 0.03, 1.4), 1.2) * strength,
        gradient_deg=float(rng.uniform(0, 360)),
        falloff=float(rng.uniform(-0.05, 0.5)) * strength,
        hill=float(rng.uniform(0.1, 0.8)) * bool(rng.random() < 0.35) * strength,
        hill_deg=float(rng.choice([0, 90])),
        cloud=log_uniform(rng, 0.01, 0.15) * bool(rng.random() < 0.5) * strength,
        drift=log_uniform(rng, 0.03, 0.5),
        glare_share=float(rng.uniform(0.1, 0.6)) * bool(rng.random() < 0.3),
        glare=log_uniform(rng, 0.03, 0.3),
    )


def _camera(rng: Generator, colour: Colour, light: LightSetting) -> CameraSetting:
    # Auto-exposure once when the line was set up: neither black nor burnt out on the whole.
    level = sum(colour) / 3 * math.exp(light.hill / 2)
    target = float(np.clip(level, 0.14, 0.62)) * float(rng.uniform(0.85, 1.15))
    return CameraSetting(
        focus_px=float(rng.uniform(0.0, 1.1)),
        focus_spread_px=float(rng.uniform(0.0, 0.25)),
        exposure=target / level,
        exposure_spread=log_uniform(rng, 0.005, 0.06),
        gamma=float(rng.uniform(0.8, 1.15)),
        read_noise=log_uniform(rng, 0.002, 0.015),
        shot_noise=log_uniform(rng, 0.002, 0.02),
        jpeg_quality=int(rng.integers(70, 97)) if rng.random() < 0.4 else None,
    )


def _harmless(rng: Generator, surface: Substance) -> Harmless:
    """One line in three carries harmless dust."""
    dusty = bool(rng.random() < 0.35)
    contrast = sum(surface.contrast) / 3
    sign = float(rng.choice([-1.0, 1.0]))
    return Harmless(
        specks=log_uniform(rng, 0.5, 12.0) if dusty else 0.0,
        speck_px=log_uniform(rng, 0.6, 1.8),
        speck_tone=sign * float(rng.uniform(1.5, 5.0)) * max(contrast, 0.02),
        hairs=log_uniform(rng, 0.3, 2.0) if dusty and rng.random() < 0.3 else 0.0,
        hair_tone=sign * float(rng.uniform(1.0, 3.0)) * max(contrast, 0.02),
    )


def _sensors(rng: Generator) -> tuple[SensorSetPoint, ...]:
    return (
        SensorSetPoint(name="Temperature", unit="°C", level=float(rng.uniform(40, 80)), spread=0.4, noise=0.05),
        SensorSetPoint(
            name="Vibration", unit="mm/s", level=0.0, spread=0.0, noise=0.25, tone=float(rng.uniform(0.6, 1.4)),
            tone_hz=float(rng.uniform(3, 8)),
        ),
        SensorSetPoint(name="Pressure", unit="bar", level=float(rng.uniform(4, 7)), spread=0.03, noise=0.01),
        SensorSetPoint(name="Speed", unit="m/s", level=float(rng.uniform(0.3, 1.2)), spread=0.005, noise=0.002),
    )  # fmt: skip
