"""A field of a dialog below its title."""

from collections.abc import Callable
from typing import Any

from nicegui import ui


def titled_field(title: str, field: Callable[..., Any], **options: object) -> Any:
    """``field`` below ``title``: a title within it would lie on what is there already."""
    with ui.element("div").style("width:100%"):
        ui.label(title).classes("soft").style("font-size:12px")
        return field(**options).props(f'outlined dense dark options-dense aria-label="{title}"').style("width:100%")
