"""What people say of a line's parts, for detectors that read: shown, and changed by an engineer."""

from collections.abc import Callable
from typing import Any, Final

from nicegui import ui

from dashboard.command_requests import DescribeRequest
from dashboard.pages.part_cards import facts_list
from dashboard.pages.state_actions import Question, Requesting, StateActions
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
        said = [
            ("Called", spec.class_name or "as the recipe says"),
            ("A good one is", spec.normality or "–"),
            ("May be wrong", ", ".join(spec.defect_words) or "–"),
            ("Lies", _MATCHINGS[spec.matching]),
        ]
        ui.html(str(facts_list(list(said))), sanitize=False)


def _fields(spec: LineSpec) -> Requesting:
    name = _under("What one is called", ui.input, value=spec.class_name, placeholder="hex nut")
    name.props("maxlength=80")
    normality = _under("How a good one looks", ui.input, value=spec.normality, placeholder="round, without print")
    normality.props("maxlength=400")
    flaws = _under(
        "What may be wrong, one a line", ui.textarea, value="\n".join(spec.defect_words), placeholder="with a burr"
    )
    flaws.props("rows=3")
    matching = _under("How it lies", ui.select, options=dict(_MATCHINGS), value=spec.matching)

    def request(reason: str) -> DescribeRequest:
        lines = (line.strip() for line in (flaws.value or "").splitlines())
        return DescribeRequest(
            class_name=(name.value or "").strip(),
            normality=(normality.value or "").strip(),
            defect_words=tuple(line for line in lines if line),
            matching=matching.value,
            reason=reason,
        )

    return request


def _under(title: str, field: Callable[..., Any], **options: object) -> Any:
    """A field below its title: a title within it would lie on what is there already."""
    with ui.element("div").style("width:100%"):
        ui.label(title).classes("soft").style("font-size:12px")
        return field(**options).props(f'outlined dense dark options-dense aria-label="{title}"').style("width:100%")
