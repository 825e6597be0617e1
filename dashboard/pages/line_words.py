"""What people say of a line's parts, for detectors that read: shown, and changed by an engineer."""

from typing import Final

from nicegui import ui

from dashboard.command_requests import DescribeRequest
from dashboard.pages.description_levels import LEVELS
from dashboard.pages.level_field import LevelField
from dashboard.pages.part_cards import facts_list
from dashboard.pages.state_actions import Question, Requesting, StateActions
from dashboard.pages.titled_field import titled_field
from wire.command import CommandKind
from wire.line_state import LineSpec, Matching

_MATCHINGS: Final[dict[Matching, str]] = {
    "": "as the recipe says",
    "aligned": "in a fixture: the same place of a reference",
    "nearest": "loose, or a texture: any place of a reference",
}


def line_words(spec: LineSpec, actions: StateActions) -> None:
    """A card with the words of a line, and a button that changes them."""
    with ui.element("section").classes("card stack").props("data-words"):
        with ui.element("div").classes("rowx").style("justify-content:space-between"):
            ui.html("<h2>What its parts are</h2>", sanitize=False)
            actions.button(
                "Describe",
                Question(
                    f"What are the parts of {spec.display_name or spec.line}?",
                    "For recipes that read (spgdd, samllava). Every version is built anew, from the same references.",
                    CommandKind.DESCRIBE,
                    lambda: _fields(spec),
                ),
            )
        kinds = list(dict.fromkeys(each.name for each in spec.descriptions))
        said = [
            ("Called", spec.class_name or "as the recipe says"),
            ("A good one is", spec.normality or "–"),
            ("May be wrong", ", ".join(spec.defect_words) or "–"),
            ("Defects described", ", ".join(kinds) or "–"),
            ("Description level", LEVELS[spec.description_level].name),
            ("Learned words", _learned(spec)),
            ("Lies", _MATCHINGS[spec.matching]),
        ]
        ui.html(str(facts_list(list(said))), sanitize=False)


def _fields(spec: LineSpec) -> Requesting:
    name = titled_field("What one is called", ui.input, value=spec.class_name, placeholder="hex nut")
    name.props("maxlength=80")
    normality = titled_field("How a good one looks", ui.input, value=spec.normality, placeholder="round, without print")
    normality.props("maxlength=400")
    flaws = titled_field(
        "What may be wrong, one a line", ui.textarea, value="\n".join(spec.defect_words), placeholder="with a burr"
    )
    flaws.props("rows=3")
    level = LevelField(spec)
    learned = None
    if spec.learned_words:
        choices = {spec.learned_words: f"those that it has ({_short(spec)})", "": "as the recipe says"}
        learned = titled_field("Learned words", ui.select, options=choices, value=spec.learned_words)
    matching = titled_field("How it lies", ui.select, options=dict(_MATCHINGS), value=spec.matching)

    def request(reason: str) -> DescribeRequest:
        lines = (line.strip() for line in (flaws.value or "").splitlines())
        return DescribeRequest(
            class_name=(name.value or "").strip(),
            normality=(normality.value or "").strip(),
            defect_words=tuple(line for line in lines if line),
            descriptions=level.descriptions(),
            description_level=level.chosen,
            learned_words=None if learned is None else learned.value,
            matching=matching.value,
            reason=reason,
        )

    return request


def _learned(spec: LineSpec) -> str:
    if spec.learned_words:
        return f"{_short(spec)}, found by a training; texts of a level have no say beside them"
    return f"as the recipe says; “lineside train spgdd --line {spec.line}” learns some"


def _short(spec: LineSpec) -> str:
    return spec.learned_words[:12]
