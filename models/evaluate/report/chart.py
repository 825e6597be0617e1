"""Line charts as SVG, without a drawing library: a few lines over two linear axes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

# Okabe and Ito's colours, which people with any colour vision tell apart; after eight of them lines are dashed.
_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6b4c9a", "#4d4d4d")
_DASHES: Final = ("", "6 3", "2 3")
_WIDTH, _HEIGHT = 330, 290
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 12, 40
_TICKS: Final = 5


@dataclass(frozen=True, kw_only=True)
class Axis:
    """What an axis shows, and from where to where."""

    title: str
    low: float = 0.0
    high: float = 1.0
    ticks: tuple[float, ...] = ()

    def places(self) -> tuple[float, ...]:
        """Where ticks stand: the stated ones, or evenly."""
        return self.ticks or tuple(self.low + (self.high - self.low) * i / _TICKS for i in range(_TICKS + 1))


@dataclass(frozen=True, kw_only=True)
class Line:
    """Points (x, y); ``errors``: half heights of bars, with marks at the points."""

    points: Sequence[tuple[float, float]]
    errors: Sequence[float] = ()


def line_chart(lines: Mapping[str, Line], x: Axis, y: Axis, *, diagonal: bool = False) -> str:
    """``<svg>`` of the lines in the order of their names' colours; lines without points are left out."""
    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(f"{y.title} over {x.title}")}">']
    parts += _grid(x, y)
    if diagonal:
        start, end = _place(x.low, x.low, x, y), _place(x.high, x.high, x, y)
        parts.append(f'<line x1="{start[0]}" y1="{start[1]}" x2="{end[0]}" y2="{end[1]}" class="chance"/>')
    for index, line in enumerate(lines.values()):
        if line.points:
            parts += _line(line, index, x, y)
    parts.append("</svg>")
    return "".join(parts)


def legend(names: Sequence[str]) -> str:
    """The names with their colours, once for several charts."""
    keys = []
    for index, name in enumerate(names):
        stroke = f'<svg class="key" viewBox="0 0 24 6"><path d="M0 3H24" {_stroke(index)}/></svg>'
        keys.append(f"<span>{stroke}{escape(name)}</span>")
    return f'<p class="legend">{"".join(keys)}</p>'


def _grid(x: Axis, y: Axis) -> list[str]:
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    parts = []
    for value in x.places():
        at, _ = _place(value, y.low, x, y)
        parts.append(f'<line x1="{at}" y1="{_TOP}" x2="{at}" y2="{bottom}" class="grid"/>')
        parts.append(f'<text x="{at}" y="{bottom + 14}" text-anchor="middle">{value:.3g}</text>')
    for value in y.places():
        _, at = _place(x.low, value, x, y)
        parts.append(f'<line x1="{_LEFT}" y1="{at}" x2="{right}" y2="{at}" class="grid"/>')
        parts.append(f'<text x="{_LEFT - 5}" y="{at + 4}" text-anchor="end">{value:.3g}</text>')
    middle = (_LEFT + right) / 2
    parts.append(f'<text x="{middle}" y="{_HEIGHT - 6}" text-anchor="middle" class="title">{escape(x.title)}</text>')
    turned = f'transform="rotate(-90)" x="{-(_TOP + bottom) / 2}" y="11"'
    parts.append(f'<text {turned} text-anchor="middle" class="title">{escape(y.title)}</text>')
    return parts


def _line(line: Line, index: int, x: Axis, y: Axis) -> list[str]:
    places = [_place(*point, x, y) for point in line.points]
    path = "M" + "L".join(f"{across} {down}" for across, down in places)
    parts = [f'<path d="{path}" {_stroke(index)}/>']
    colour = _COLOURS[index % len(_COLOURS)]
    for (across, down), point, error in zip(places, line.points, line.errors, strict=bool(line.errors)):
        _, upper = _place(point[0], min(point[1] + error, y.high), x, y)
        _, lower = _place(point[0], max(point[1] - error, y.low), x, y)
        parts.append(f'<path d="M{across} {upper}V{lower}" stroke="{colour}" stroke-width="1.2"/>')
        parts.append(f'<circle cx="{across}" cy="{down}" r="3" fill="{colour}"/>')
    return parts


def _stroke(index: int) -> str:
    dash = _DASHES[index // len(_COLOURS) % len(_DASHES)]
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'fill="none" stroke="{_COLOURS[index % len(_COLOURS)]}" stroke-width="1.8"{dashed}'


def _place(across: float, up: float, x: Axis, y: Axis) -> tuple[float, float]:
    """Pixels of a point."""
    share_x = (across - x.low) / ((x.high - x.low) or 1)
    share_y = (up - y.low) / ((y.high - y.low) or 1)
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    return round(_LEFT + share_x * (right - _LEFT), 1), round(bottom - share_y * (bottom - _TOP), 1)
