"""Layouts that are wrong: a piece missing, shifted, or one too many."""

import math
from collections.abc import Sequence
from dataclasses import replace

from numpy.random import Generator

from models.synth.defect import DefectKind
from models.synth.layout import Outline, Piece


def changed_layout(
    pieces: Sequence[Piece], kind: DefectKind, rng: Generator, *, reach: float
) -> tuple[Piece, ...] | None:
    """``pieces`` with one loose group changed as ``kind`` says, by ``reach`` units; None if no piece is loose."""
    groups = sorted({piece.group for piece in pieces if piece.loose})
    if not groups:
        return None
    group = groups[int(rng.integers(len(groups)))]
    chosen = [piece for piece in pieces if piece.group == group and piece.loose]
    if kind is DefectKind.MISSING_PART:
        return tuple(piece for piece in pieces if piece not in chosen)
    if kind is DefectKind.MISPRINT:
        return tuple(_misprinted(piece, rng, reach) if piece in chosen else piece for piece in pieces)
    angle = float(rng.uniform(0, 2 * math.pi))
    dx, dy = reach * math.cos(angle), reach * math.sin(angle)
    if kind is DefectKind.EXTRA_PART:
        at = (float(rng.uniform(-0.7, 0.7)), float(rng.uniform(-0.7, 0.7)))
        return (
            *pieces,
            *(replace(piece, x=piece.x - chosen[0].x + at[0], y=piece.y - chosen[0].y + at[1]) for piece in chosen),
        )
    turn = float(rng.choice([0.0, 0.0, 12.0, -20.0]))
    return tuple(
        replace(piece, x=piece.x + dx, y=piece.y + dy, angle_deg=piece.angle_deg + turn) if piece in chosen else piece
        for piece in pieces
    )


def _misprinted(piece: Piece, rng: Generator, reach: float) -> Piece:
    if piece.outline is Outline.TEXT and rng.random() < 0.6:
        at = int(rng.integers(len(piece.text)))
        return replace(piece, text=piece.text[:at] + piece.text[at + 1 :])
    return replace(piece, cover=piece.cover * 0.45, size=(piece.size[0] * (1 + reach), piece.size[1] * (1 + reach)))
