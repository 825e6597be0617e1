"""The families of object: layouts of nut, washer, gear, bottle cap, pill, connector and board."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.random import Generator

from models.synth.layout import Outline, Piece

Colour = tuple[float, float, float]
_LETTERS: Final = list("ABCDEFHKLMNPRSTUVXYZ0123456789")


def draw_object(family: str, rng: Generator) -> tuple[Piece, ...]:
    """The pieces of a new object of ``family``, lowest first."""
    return tuple(_OBJECTS[family](rng))


def word(rng: Generator, least: int = 2, most: int = 6) -> str:
    """A part number."""
    return "".join(rng.choice(_LETTERS, int(rng.integers(least, most + 1))))


def shade_of(colour: Colour, factor: float) -> Colour:
    """The colour, darker or brighter."""
    return (min(colour[0] * factor, 1.0), min(colour[1] * factor, 1.0), min(colour[2] * factor, 1.0))


def metal(rng: Generator) -> Colour:
    """Steel, zinc, brass or copper."""
    level = float(rng.uniform(0.3, 0.7))
    tint = [(1.0, 1.0, 1.0), (0.96, 0.98, 1.05), (1.15, 1.0, 0.6), (1.2, 0.85, 0.65)][
        int(rng.choice(4, p=[0.5, 0.2, 0.2, 0.1]))
    ]
    return shade_of((tint[0] * level, tint[1] * level, tint[2] * level), 1.0)


def plastic(rng: Generator) -> Colour:
    """Any colour, often black or white."""
    if rng.random() < 0.4:
        level = float(rng.choice([0.08, 0.15, 0.75, 0.85]))
        return (level, level, level)
    red, green, blue = rng.uniform(0.1, 0.85, 3)
    return (float(red), float(green), float(blue))


def _disc(radius: float, colour: Colour, **more: object) -> Piece:
    piece = Piece(outline=Outline.ELLIPSE, x=0, y=0, size=(radius, radius), colour=colour)
    return replace(piece, **more)  # type: ignore[arg-type]


def _washer(rng: Generator) -> list[Piece]:
    colour = metal(rng)
    outer = float(rng.uniform(0.6, 0.85))
    inner = outer * float(rng.uniform(0.3, 0.6))
    pieces = [_disc(outer, colour, height_mm=float(rng.uniform(0.8, 2.0)), round_share=0.2)]
    if rng.random() < 0.4:  # a stamped ring
        pieces.append(_disc(outer * 0.8, shade_of(colour, 1.08), height_mm=pieces[0].height_mm * 0.85))
    return [*pieces, _disc(inner, colour, hole=True)]


def _polygon(points: list[tuple[float, float]], colour: Colour, **more: object) -> Piece:
    piece = Piece(outline=Outline.POLYGON, x=0, y=0, size=(0, 0), points=tuple(points), colour=colour)
    return replace(piece, **more)  # type: ignore[arg-type]


def _around(count: int, radius: float, start: float = 0.0) -> list[tuple[float, float]]:
    angles = start + np.arange(count) * (2 * math.pi / count)
    return [(float(radius * math.cos(a)), float(radius * math.sin(a))) for a in angles]


def _nut(rng: Generator) -> list[Piece]:
    colour = metal(rng)
    outer = float(rng.uniform(0.65, 0.85))
    hole = outer * float(rng.uniform(0.42, 0.58))
    height = float(rng.uniform(1.5, 4.0))
    pieces = [
        _polygon(_around(6, outer), colour, height_mm=height * 0.85, round_share=0.3),
        _disc(outer * 0.84, shade_of(colour, 1.1), height_mm=height),
    ]
    for turn in range(3):  # the thread, seen from above
        pieces.append(
            _disc(hole * (1.12 - 0.05 * turn), shade_of(colour, 0.55 + 0.2 * (turn % 2)), height_mm=height * 0.5)
        )
    return [*pieces, _disc(hole * 0.96, colour, hole=True)]


def _gear(rng: Generator) -> list[Piece]:
    colour = metal(rng) if rng.random() < 0.7 else plastic(rng)
    teeth = int(rng.integers(10, 29))
    outer = float(rng.uniform(0.68, 0.85))
    root = outer * (1 - 2.0 / teeth)
    height = float(rng.uniform(1.0, 3.0))
    half = math.pi / teeth
    pieces = []
    for number in range(teeth):
        a = number * 2 * half
        reach = ((root * 0.97, 0.62), (outer, 0.3), (outer, -0.3), (root * 0.97, -0.62))
        points = [(r * math.cos(a + half * w), r * math.sin(a + half * w)) for r, w in reach]
        pieces.append(_polygon(points, colour, height_mm=height, group=number + 1, loose=True))
    pieces.append(_disc(root, colour, height_mm=height))
    if rng.random() < 0.6:
        pieces.append(_disc(root * 0.8, shade_of(colour, 0.9), height_mm=height * 0.6))
        holes = int(rng.integers(3, 7))
        for number, (x, y) in enumerate(_around(holes, root * 0.55)):
            pieces.append(_disc(root * 0.16, colour, x=x, y=y, hole=True, group=100 + number, loose=True))
        pieces.append(_disc(root * 0.35, colour, height_mm=height))
    return [*pieces, _disc(root * float(rng.uniform(0.12, 0.22)), colour, hole=True)]


def _bottle_cap(rng: Generator) -> list[Piece]:
    colour, ink = plastic(rng), plastic(rng)
    outer = float(rng.uniform(0.7, 0.85))
    ridges = int(rng.integers(18, 30))
    rim = [
        (r * math.cos(a), r * math.sin(a))
        for number in range(2 * ridges)
        for a, r in [(number * math.pi / ridges, outer * (1.0 if number % 2 else 0.95))]
    ]
    pieces = [
        _polygon(rim, shade_of(colour, 0.8), height_mm=2.0, round_share=0.5),
        _disc(outer * 0.82, colour, height_mm=4.0, round_share=0.25),
        _disc(outer * 0.7, ink, height_mm=3.9, round_share=0.1, cover=0.9),
        _disc(outer * 0.62, colour, height_mm=3.95, round_share=0.1),
    ]
    text = Piece(
        outline=Outline.TEXT, x=0, y=0, size=(outer * 0.32, 0), colour=ink, text=word(rng, 2, 4), group=1, loose=True
    )
    pieces.append(text)
    for number, (x, y) in enumerate(_around(int(rng.integers(3, 9)), outer * 0.46, 0.4)):
        if abs(y) > outer * 0.25:
            pieces.append(_disc(outer * 0.05, ink, x=x, y=y, group=2 + number, loose=True))
    return pieces


def _pill(rng: Generator) -> list[Piece]:
    colour = plastic(rng) if rng.random() < 0.5 else (0.82, 0.81, 0.78)
    height = float(rng.uniform(2, 4))
    if rng.random() < 0.4:  # a tablet with a score line or an imprint
        radius = float(rng.uniform(0.55, 0.8))
        pieces = [_disc(radius, colour, height_mm=height, round_share=0.6)]
        if rng.random() < 0.5:
            line = Piece(
                outline=Outline.RECTANGLE,
                x=0,
                y=0,
                size=(radius * 0.85, 0.03),
                colour=shade_of(colour, 0.7),
                height_mm=height * 0.7,
            )
            return [*pieces, line]
        return [*pieces, _imprint(rng, radius * 0.4, shade_of(colour, 0.6))]
    long, wide = float(rng.uniform(0.75, 0.9)), float(rng.uniform(0.28, 0.4))
    other = plastic(rng)
    ends = [(long - wide + wide * math.cos(a), wide * math.sin(a)) for a in np.linspace(-math.pi / 2, math.pi / 2, 16)]
    body = [*ends, *[(-x, -y) for x, y in ends]]
    cap = [(0.0, -wide), *ends, (0.0, wide)]
    return [
        _polygon(body, colour, height_mm=height, round_share=0.9),
        replace(_polygon(cap, other, cover=1.0), height_mm=0.0),
        _imprint(rng, wide * 0.6, shade_of(colour, 0.5), x=-long / 2),
    ]


def _imprint(rng: Generator, size: float, colour: Colour, x: float = 0.0) -> Piece:
    return Piece(
        outline=Outline.TEXT, x=x, y=0, size=(size, 0), colour=colour, text=word(rng, 2, 3), group=1, loose=True
    )


def _connector(rng: Generator) -> list[Piece]:
    body = plastic(rng)
    wide, tall = float(rng.uniform(0.75, 0.92)), float(rng.uniform(0.35, 0.6))
    rows, columns = int(rng.integers(1, 4)), int(rng.integers(4, 11))
    pin = metal(rng)
    box = Piece(outline=Outline.RECTANGLE, x=0, y=0, size=(wide, tall), colour=body, height_mm=6.0)
    pieces = [box, replace(box, size=(wide * 0.9, tall * 0.8), colour=shade_of(body, 0.6), height_mm=2.0)]
    pitch = (wide * 1.7 / columns, tall * 1.5 / rows)
    half = 0.3 * min(pitch)
    group = 1
    for row in range(rows):
        for column in range(columns):
            x, y = (column - (columns - 1) / 2) * pitch[0], (row - (rows - 1) / 2) * pitch[1]
            socket = Piece(
                outline=Outline.RECTANGLE,
                x=x,
                y=y,
                size=(half * 1.35, half * 1.35),
                colour=shade_of(body, 0.35),
                height_mm=1.0,
            )
            pieces += [
                socket,
                replace(
                    socket,
                    size=(half * 0.7, half * 0.7),
                    colour=shade_of(pin, 1.3),
                    height_mm=5.0,
                    group=group,
                    loose=True,
                    warmth=0.1,
                ),
            ]
            group += 1
    key = Piece(
        outline=Outline.RECTANGLE,
        x=0,
        y=tall * 1.05,
        size=(wide * 0.2, tall * 0.12),
        colour=shade_of(body, 0.9),
        height_mm=4.0,
    )
    latch = replace(key, x=wide * 0.6, group=group, loose=True)
    return [*pieces, key, latch]


def _board(rng: Generator) -> list[Piece]:
    green = [(0.05, 0.3, 0.14), (0.04, 0.16, 0.36), (0.3, 0.05, 0.06), (0.1, 0.1, 0.1)][int(rng.integers(4))]
    base = Piece(outline=Outline.RECTANGLE, x=0, y=0, size=(3, 3), colour=green, height_mm=0.0)
    pieces = [base]
    copper, tin = shade_of(green, 1.6), (0.62, 0.62, 0.6)
    for _ in range(int(rng.integers(8, 20))):  # traces: two runs at a right angle or 45 degrees
        x, y = (round(float(v) * 14) / 14 for v in rng.uniform(-1, 1, 2))
        length, turn = float(rng.uniform(0.2, 0.8)), float(rng.choice([0, 90, 45]))
        line = Piece(outline=Outline.RECTANGLE, x=x, y=y, size=(length, 0.012), colour=copper, angle_deg=turn)
        pieces.append(line)
    for _ in range(int(rng.integers(4, 14))):
        x, y = (float(v) for v in rng.uniform(-0.95, 0.95, 2))
        via = Piece(outline=Outline.ELLIPSE, x=x, y=y, size=(0.03, 0.03), colour=tin)
        pieces += [via, replace(via, size=(0.014, 0.014), colour=(0.02, 0.02, 0.02))]
    cells = [(x, y) for x in (-0.66, -0.22, 0.22, 0.66) for y in (-0.66, -0.22, 0.22, 0.66)]
    group = 1
    for number in rng.permutation(len(cells))[: int(rng.integers(7, 14))]:
        x, y = cells[int(number)]
        pieces += _component(rng, x + float(rng.uniform(-0.04, 0.04)), y + float(rng.uniform(-0.04, 0.04)), group, tin)
        group += 1
    label = Piece(
        outline=Outline.TEXT,
        x=float(rng.uniform(-0.4, 0.4)),
        y=0.92,
        size=(0.1, 0),
        colour=(0.85, 0.85, 0.8),
        text=word(rng, 4, 8),
        group=group,
        loose=True,
    )
    return [*pieces, label]


def _component(rng: Generator, x: float, y: float, group: int, tin: Colour) -> list[Piece]:
    """A chip with legs, a two-pole part, or an electrolytic capacitor; with its pads, which stay when it is missing."""
    turn = float(rng.choice([0, 90]))
    kind = int(rng.choice(3, p=[0.3, 0.55, 0.15]))
    own = {"group": group, "loose": True}
    if kind == 0:
        wide, tall = float(rng.uniform(0.1, 0.17)), float(rng.uniform(0.09, 0.15))
        legs = [
            Piece(
                outline=Outline.RECTANGLE,
                x=x + side * wide * 1.2,
                y=y + (leg - 2) * tall * 0.42,
                size=(wide * 0.25, tall * 0.1),
                colour=tin,
                height_mm=0.3,
            )
            for side in (-1, 1)
            for leg in range(5)
        ]
        chip = Piece(
            outline=Outline.RECTANGLE,
            x=x,
            y=y,
            size=(wide, tall),
            colour=(0.07, 0.07, 0.075),
            height_mm=1.6,
            warmth=float(rng.uniform(0.1, 0.5)),
        )
        dot = Piece(
            outline=Outline.ELLIPSE, x=x - wide * 0.7, y=y - tall * 0.7, size=(0.015, 0.015), colour=(0.3, 0.3, 0.3)
        )
        name = Piece(
            outline=Outline.TEXT, x=x, y=y, size=(tall * 0.5, 0), colour=(0.45, 0.45, 0.45), text=word(rng, 2, 3)
        )
        return [*legs, *[_belonging(piece, own) for piece in (chip, dot, name)]]
    if kind == 1:
        long, wide = float(rng.uniform(0.05, 0.09)), float(rng.uniform(0.03, 0.05))
        dx, dy = (long, 0.0) if turn == 0 else (0.0, long)
        size = (long, wide) if turn == 0 else (wide, long)
        body_colour: Colour = (0.5, 0.38, 0.25) if rng.random() < 0.5 else (0.08, 0.08, 0.09)
        pads = [
            Piece(outline=Outline.RECTANGLE, x=x + s * dx, y=y + s * dy, size=(wide * 0.8, wide * 0.9), colour=tin)
            for s in (-1, 1)
        ]
        body = Piece(outline=Outline.RECTANGLE, x=x, y=y, size=size, colour=body_colour, height_mm=0.6)
        caps = [
            replace(
                body,
                x=x + s * dx * 0.8,
                y=y + s * dy * 0.8,
                size=(wide * 0.5, wide) if turn == 0 else (wide, wide * 0.5),
                colour=shade_of(tin, 1.2),
            )
            for s in (-1, 1)
        ]
        return [*pads, *[_belonging(piece, own) for piece in (body, *caps)]]
    radius = float(rng.uniform(0.1, 0.15))
    can = Piece(
        outline=Outline.ELLIPSE, x=x, y=y, size=(radius, radius), colour=(0.6, 0.6, 0.62), height_mm=5.0, warmth=0.15
    )
    mark = Piece(
        outline=Outline.RECTANGLE, x=x - radius * 0.55, y=y, size=(radius * 0.2, radius * 0.6), colour=(0.1, 0.1, 0.1)
    )
    return [_belonging(can, own), _belonging(mark, own)]


def _belonging(piece: Piece, own: dict[str, int]) -> Piece:
    return replace(piece, group=own["group"], loose=True)


_OBJECTS: Final[dict[str, Callable[[Generator], list[Piece]]]] = {
    "nut": _nut, "washer": _washer, "gear": _gear, "bottle_cap": _bottle_cap, "pill": _pill, "connector": _connector,
    "board": _board,
}  # fmt: skip
OBJECTS: Final = tuple(_OBJECTS)
