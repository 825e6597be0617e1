"""Pareto of defect types: bars by number of parts, divided by line."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from markupsafe import Markup
from nicegui import ui

from dashboard.api.statistics import TypeCount

# Seven types fill the card beside the timeline; what is rarer is found by the filter.
_TYPES = 7
# Hues that stay apart for people who see red and green alike; the last is for all lines beyond.
_COLOURS = ("#ff7a70", "#7ab8ff", "#f0b849", "#b79bff", "#58d0c4")
_OTHERS = "#7d8790"


def pareto(types: Sequence[TypeCount], line_names: Mapping[str, str], picked: Callable[[str], object]) -> None:
    """Draw the types, most frequent first; a click calls ``picked`` with the type."""
    if not types:
        ui.html('<p class="muted">No part was flagged in this time.</p>', sanitize=False)
        return
    colours = _colours(types)
    with ui.element("div").classes("pareto"):
        for entry in types[:_TYPES]:
            with ui.element("button").on("click", lambda chosen=entry.type: picked(chosen)):
                ui.html(str(_bar(entry, types[0].parts, colours, line_names)), sanitize=False).style(
                    "display: contents"
                )
    if len(colours) > 1:
        ui.html(str(_legend(colours, line_names)), sanitize=False).classes("rowx").style("gap: 4px 12px")


def _colours(types: Sequence[TypeCount]) -> dict[str, str]:
    """A colour for each line, the ones with most flagged parts first."""
    parts: Counter[str] = Counter()
    for entry in types:
        parts.update(entry.lines)
    lines = sorted(parts, key=lambda line: (-parts[line], line))
    return {line: _COLOURS[at] if at < len(_COLOURS) else _OTHERS for at, line in enumerate(lines)}


def _bar(entry: TypeCount, most: int, colours: Mapping[str, str], names: Mapping[str, str]) -> Markup:
    pieces = Markup("").join(
        Markup('<i style="width:{:.1f}%;background:{}" title="{}: {}"></i>').format(
            parts / most * 100, colours[line], names.get(line, line), _parts_text(parts)
        )
        for line, parts in entry.lines.items()
    )
    return Markup(
        '<span>{}</span><span class="mono">{} <span class="muted" title="Share of this and all more frequent types">'
        '· {:.0f} %</span></span><div class="bar">{}</div>'
    ).format(
        "type unknown" if entry.type == "unknown" else entry.type.replace("_", " "),
        entry.parts,
        entry.cumulative_share * 100,
        pieces,
    )


def _legend(colours: Mapping[str, str], names: Mapping[str, str]) -> Markup:
    own = [(names.get(line, line), colour) for line, colour in colours.items() if colour != _OTHERS]
    others = [("other lines", _OTHERS)] if len(own) < len(colours) else []
    return Markup("").join(
        Markup('<span class="key"><i style="background:{}"></i>{}</span>').format(colour, name)
        for name, colour in own + others
    )


def _parts_text(parts: int) -> str:
    return "1 part" if parts == 1 else f"{parts} parts"
