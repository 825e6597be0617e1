"""Printed and engraved marks: labels, codes, logos; and the allowed stripes and seams of a surface."""

from dataclasses import replace

from numpy.random import Generator

from models.synth.layout import Outline, Piece
from models.synth.object_layout import Colour, word


def draw_print(rng: Generator, ink: Colour, second: Colour) -> tuple[Piece, ...]:
    """A printed sheet: texts, bars, a bar code, discs and rings in a 3 x 3 grid."""
    pieces: list[Piece] = []
    for group, cell in enumerate(rng.permutation(9)[: int(rng.integers(5, 10))], start=1):
        x = float(-0.62 + 0.62 * (cell % 3) + rng.uniform(-0.05, 0.05))
        y = float(-0.62 + 0.62 * (cell // 3) + rng.uniform(-0.05, 0.05))
        pieces += draw_mark(rng, x, y, ink if rng.random() < 0.7 else second, group)
    return tuple(pieces)


def draw_mark(rng: Generator, x: float, y: float, ink: Colour, group: int) -> list[Piece]:
    """One mark of ``ink`` around (x, y)."""
    size = float(rng.uniform(0.12, 0.2))
    kind = int(rng.integers(5))
    disc = Piece(outline=Outline.ELLIPSE, x=x, y=y, size=(size, size), colour=ink, group=group, loose=True)
    if kind == 0:
        return [replace(disc, outline=Outline.RECTANGLE, size=(size * 1.2, size * 0.4))]
    if kind == 1:
        return [disc]
    if kind == 2:
        return [disc, replace(disc, size=(size * 0.7, size * 0.7), hole=True)]
    if kind == 3:
        bars, left = [], -size * 1.2
        while left < size * 1.2:
            wide = float(rng.choice([0.012, 0.024, 0.036]))
            bars.append(replace(disc, outline=Outline.RECTANGLE, x=x + left, size=(wide, size * 0.8)))
            left += 2 * wide + float(rng.choice([0.02, 0.04]))
        return bars
    return [replace(disc, outline=Outline.TEXT, size=(size * 0.9, 0), text=word(rng, 3, 6))]


def draw_stripes(rng: Generator, ink: Colour) -> tuple[Piece, ...]:
    """Stripes or seams across the whole part, which belong there."""
    turn = float(rng.choice([0, 90]))
    stripe = Piece(
        outline=Outline.RECTANGLE,
        x=0,
        y=0,
        size=(4.0, float(rng.uniform(0.01, 0.08))),
        colour=ink,
        angle_deg=turn,
        cover=float(rng.uniform(0.2, 0.9)),
        height_mm=float(rng.choice([0.0, 0.0, 0.2, -0.2])),
    )
    places = rng.uniform(-0.8, 0.8, int(rng.integers(1, 4)))
    return tuple(replace(stripe, x=float(p) if turn else 0.0, y=0.0 if turn else float(p)) for p in places)
