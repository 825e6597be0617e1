"""What a page says when it has nothing to show: why, and what to do."""

from markupsafe import Markup
from nicegui import ui


def empty_state(title: str, text: str, command: str | None = None) -> None:
    """A short explanation, with a command to type where one helps."""
    body = Markup('<div class="empty"><h2>{}</h2><p>{}</p>{}</div>').format(
        title, text, Markup("<code>{}</code>").format(command) if command else ""
    )
    ui.html(str(body), sanitize=False).classes("card")
