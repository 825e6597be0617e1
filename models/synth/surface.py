"""The families of surface: what each is made of."""

import math
from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator

from models.synth.material import (
    CellMaterial,
    GrainMaterial,
    Layer,
    LayeredMaterial,
    Material,
    RingMaterial,
    Shaping,
)
from models.synth.noise_field import NoiseField, Spectrum
from models.synth.seeding import Plane, log_uniform

_Build = Callable[[int, int, float, float, Generator], Material]


def build_surface(
    family: str, *, height: int, width: int, grain_px: float, angle_deg: float, rng: Generator
) -> Material:
    """The material of a surface ``family``; ``grain_px`` = typical size of its texture, ``angle_deg`` its direction."""
    return _BUILDERS[family](height, width, grain_px, angle_deg, rng)


def _brushed(height: int, width: int, grain: float, angle: float, rng: Generator) -> Material:
    long = Spectrum(slope=0.5, finest_px=grain, coarsest_px=40, stretch=log_uniform(rng, 20, 70), angle_deg=angle)
    bands = Spectrum(slope=1.0, finest_px=6, coarsest_px=90, stretch=60, angle_deg=angle)
    layers = [Layer(spectrum=long, weight=1.0), Layer(spectrum=long, weight=0.5, shaping=Shaping.HEAVY)]
    return _layered([*layers, Layer(spectrum=bands, weight=rng.uniform(0.2, 0.7))], 0.25, height, width, rng)


def _ground(height: int, width: int, grain: float, angle: float, rng: Generator) -> Material:
    """Ground metal: wheel marks across the whole part, each of its own strength, with chatter."""
    marks = Spectrum(slope=0.4, finest_px=grain, coarsest_px=30, stretch=log_uniform(rng, 60, 200), angle_deg=angle)
    bands = Spectrum(slope=1.2, finest_px=8, coarsest_px=120, stretch=25, angle_deg=angle)
    spots = Spectrum(slope=0.6, finest_px=2, coarsest_px=12, stretch=3, angle_deg=angle)
    layers = [
        Layer(spectrum=marks, weight=1.0, shaping=Shaping.HEAVY if rng.random() < 0.5 else Shaping.LINEAR),
        Layer(spectrum=bands, weight=rng.uniform(0.3, 0.9)),
        Layer(spectrum=spots, weight=rng.uniform(0.1, 0.5)),
    ]
    return _layered(layers, 0.3, height, width, rng)


def _rolled(height: int, width: int, grain: float, angle: float, rng: Generator) -> Material:
    """Hot-rolled steel: scale in long soft patches along the rolling direction, over fine noise."""
    scale = Spectrum(slope=1.1, finest_px=grain, coarsest_px=60, stretch=log_uniform(rng, 2, 10), angle_deg=angle)
    bands = Spectrum(slope=1.4, finest_px=10, coarsest_px=150, stretch=12, angle_deg=angle)
    layers = [Layer(spectrum=scale, weight=1.0), Layer(spectrum=bands, weight=rng.uniform(0.2, 1.0))]
    return _layered(layers, rng.uniform(0.3, 1.2), height, width, rng)


def _cast(height: int, width: int, grain: float, angle: float, rng: Generator) -> Material:
    skin = Spectrum(slope=0.7, finest_px=grain, coarsest_px=10 * grain)
    layers = [
        Layer(spectrum=skin, weight=1.0, shaping=Shaping.LIT),
        Layer(spectrum=skin, weight=rng.uniform(0.2, 0.8)),
        Layer(spectrum=Spectrum(slope=1.5, finest_px=10, coarsest_px=120), weight=rng.uniform(0.2, 0.6)),
    ]
    if rng.random() < 0.5:
        pores = Spectrum(slope=0.3, finest_px=1.2 * grain, coarsest_px=4 * grain)
        layers.append(Layer(spectrum=pores, weight=rng.uniform(0.2, 0.6), shaping=Shaping.PORES))
    return _layered(layers, 0.2, height, width, rng)


def _sanded(height: int, width: int, grain: float, angle: float, rng: Generator) -> Material:
    spread = rng.uniform(15, 60)
    layers = [
        Layer(
            spectrum=Spectrum(slope=0.3, finest_px=0.8 * grain, coarsest_px=16, stretch=rng.uniform(8, 20),
                              angle_deg=angle + turn),
            weight=1.0,
            shaping=Shaping.HEAVY,
        )
        for turn in (-spread, spread)
    ]  # fmt: skip
    return _layered(layers, 0.4, height, width, rng)


def _machined(height: int, width: int, grain: float, angle: float, rng: Generator) -> Material:
    """Turned or milled: arcs around a centre on the part (facing) or far from it (milling)."""
    far = rng.random() < 0.6
    turn = math.radians(angle)
    reach = rng.uniform(1.2, 6.0) if far else rng.uniform(0.0, 0.15)
    rough = NoiseField(Spectrum(slope=0.5, finest_px=2, coarsest_px=20), height=height, width=width, rng=rng)
    return RingMaterial(
        centre=(0.5 + reach * math.cos(turn), 0.5 + reach * math.sin(turn)),
        period_px=grain * rng.uniform(1.5, 4),
        regular=rng.uniform(0, 0.9),
        rough=rough,
        height=height,
        width=width,
        rng=rng,
    )


def _ceramic(height: int, width: int, grain: float, angle: float, rng: Generator) -> Material:
    layers = [Layer(spectrum=Spectrum(slope=1.6, finest_px=8, coarsest_px=100), weight=0.7)]
    if rng.random() < 0.6:
        specks = Spectrum(slope=0.2, finest_px=grain, coarsest_px=3 * grain)
        layers.append(Layer(spectrum=specks, weight=0.7, shaping=Shaping.GRIT))
    return _layered(layers, 0.4, height, width, rng)


def _concrete(height: int, width: int, grain: float, angle: float, rng: Generator) -> Material:
    layers = [
        Layer(spectrum=Spectrum(slope=1.1, finest_px=2, coarsest_px=60), weight=1.0),
        Layer(spectrum=Spectrum(slope=0.4, finest_px=1.5 * grain, coarsest_px=5 * grain), weight=rng.uniform(0.3, 0.9),
              shaping=Shaping.GRIT),
        Layer(spectrum=Spectrum(slope=0.4, finest_px=grain, coarsest_px=6 * grain), weight=rng.uniform(0.2, 0.7),
              shaping=Shaping.PORES),
    ]  # fmt: skip
    return _layered(layers, 0.35, height, width, rng)


def _paper(height: int, width: int, grain: float, angle: float, rng: Generator) -> Material:
    layers = [
        Layer(
            spectrum=Spectrum(slope=0.5, finest_px=1.5, coarsest_px=14, stretch=5, angle_deg=angle + turn),
            weight=0.5,
            shaping=Shaping.HEAVY,
        )
        for turn in (0, 60, 120)
    ]
    layers.append(Layer(spectrum=Spectrum(slope=1.0, finest_px=6, coarsest_px=40), weight=0.8))
    return _layered(layers, 0.3, height, width, rng)


def _rubber(height: int, width: int, grain: float, angle: float, rng: Generator) -> Material:
    skin = Spectrum(slope=0.2, finest_px=grain, coarsest_px=5 * grain)
    layers = [Layer(spectrum=skin, weight=1.0, shaping=Shaping.LIT)]
    if rng.random() < 0.5:
        layers.append(Layer(spectrum=skin, weight=0.7, shaping=Shaping.VEINS))
    return _layered(layers, 0.3, height, width, rng)


def _wood(height: int, width: int, grain: float, angle: float, rng: Generator) -> Material:
    fibres = Spectrum(slope=0.5, finest_px=0.7 * grain, coarsest_px=24, stretch=35, angle_deg=angle)
    bend = Spectrum(slope=2.0, finest_px=20, coarsest_px=220, stretch=6, angle_deg=angle)
    return GrainMaterial(
        period_px=grain * rng.uniform(4, 12),
        angle_deg=angle,
        fibres=NoiseField(fibres, height=height, width=width, rng=rng),
        bend=NoiseField(bend, height=height, width=width, rng=rng),
        height=height,
        width=width,
    )


def _weave(height: int, width: int, grain: float, angle: float, rng: Generator) -> Material:
    threads = int(rng.choice([2, 2, 3, 4]))  # threads per repeat: 2 = plain weave, more = twill
    pitch = max(3.0, 2.2 * grain)
    return _cells(_woven_cell(threads, pitch), (threads * pitch, threads * pitch), height, width, angle, rng)


def _knit(height: int, width: int, grain: float, angle: float, rng: Generator) -> Material:
    pitch = max(5.0, 3.5 * grain)
    return _cells(_knitted_cell(pitch), (pitch, pitch * rng.uniform(0.7, 0.95)), height, width, angle, rng)


def _wafer(height: int, width: int, grain: float, angle: float, rng: Generator) -> Material:
    size = (rng.uniform(7, 14) * grain, rng.uniform(7, 14) * grain)
    cell = _die(size, rng)
    rough = NoiseField(Spectrum(slope=0.3), height=height, width=width, rng=rng)
    return CellMaterial(cell, period_px=size, angle_deg=round(angle / 90) * 90.0, bend_px=0.0, uneven=0.0, rough=rough,
                        height=height, width=width)  # fmt: skip


def _plain(height: int, width: int, grain: float, angle: float, rng: Generator) -> Material:
    layers = [Layer(spectrum=Spectrum(slope=0.8, finest_px=2, coarsest_px=40), weight=1.0)]
    return _layered(layers, 0.6, height, width, rng)


def _layered(layers: list[Layer], fine: float, height: int, width: int, rng: Generator) -> Material:
    return LayeredMaterial(layers, float(fine), height=height, width=width, rng=rng)


def _cells(cell: Plane, period: tuple[float, float], height: int, width: int, angle: float, rng: Generator) -> Material:
    rough = NoiseField(Spectrum(slope=0.4, coarsest_px=20), height=height, width=width, rng=rng)
    return CellMaterial(
        cell,
        period_px=period,
        angle_deg=angle,
        bend_px=float(rng.uniform(0.1, 0.12) * min(period)),
        uneven=float(rng.uniform(0.1, 0.4)),
        rough=rough,
        height=height,
        width=width,
    )


def _woven_cell(threads: int, pitch_px: float) -> Plane:
    """Threads as half cylinders; warp ``i`` lies above weft ``j`` where (i + j) % threads == 0."""
    per = max(4, round(2 * pitch_px))
    t = (np.arange(per, dtype=np.float32) + 0.5) / per * 2 - 1
    round_ = np.sqrt(1 - t * t * 0.95)  # across a thread
    arch = np.cos(t * np.float32(math.pi / 2)) * 0.6 + 0.4  # along it, where it comes up
    over_warp = round_[None, :] * arch[:, None]
    over_weft = round_[:, None] * arch[None, :] * 0.8
    rows = [
        np.hstack([over_warp if (i + j) % threads == 0 else over_weft for i in range(threads)]) for j in range(threads)
    ]
    return np.vstack(rows).astype(np.float32)


def _knitted_cell(pitch_px: float) -> Plane:
    """One stitch: the two legs of a V, lit from above, as a periodic cell."""
    side = max(8, round(2 * pitch_px))
    cell = np.zeros((3 * side, side), np.float32)
    for row in range(-1, 4):
        for sign in (-1, 1):
            centre = (round(side * (0.5 + 0.23 * sign)), round(side * (row + 0.5)))
            axes = (max(1, round(side * 0.17)), round(side * 0.62))
            leg = np.zeros_like(cell)
            cv2.ellipse(leg, centre, axes, 24 * sign, 0, 360, 1.0, -1, cv2.LINE_AA)
            inside = cv2.distanceTransform((leg > 0.5).astype(np.uint8), cv2.DIST_L2, 3)
            cell = np.maximum(cell, leg * (0.45 + 0.55 * inside / max(float(inside.max()), 1.0)))
    return cell[side : 2 * side].astype(np.float32)


def _die(size_px: tuple[float, float], rng: Generator) -> Plane:
    width, height = (max(8, round(2 * side)) for side in size_px)
    die = np.full((height, width), 0.5, np.float32)
    for _ in range(int(rng.integers(6, 14))):
        w, h = int(rng.uniform(0.1, 0.6) * width), int(rng.uniform(0.1, 0.6) * height)
        x, y = int(rng.integers(2, max(3, width - w))), int(rng.integers(2, max(3, height - h)))
        if rng.random() < 0.3:
            die[y : y + h : 3, x : x + w] = rng.uniform(0.2, 0.9)  # memory rows, seen as fine lines
        else:
            die[y : y + h, x : x + w] = rng.uniform(0.2, 0.9)
    street = max(1, round(min(width, height) * 0.06))
    die[:street] = die[:, :street] = 0.0
    return np.asarray(cv2.GaussianBlur(die, (0, 0), 0.8), np.float32)


_BUILDERS: Final[dict[str, _Build]] = {
    "brushed": _brushed, "ground": _ground, "rolled": _rolled, "cast": _cast, "sanded": _sanded, "machined": _machined,
    "ceramic": _ceramic, "concrete": _concrete, "paper": _paper, "rubber": _rubber, "wood": _wood, "weave": _weave,
    "knit": _knit, "wafer": _wafer, "printed": _plain,
}  # fmt: skip
SURFACES: Final = tuple(_BUILDERS)
