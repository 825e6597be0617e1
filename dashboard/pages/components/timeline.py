"""Parts per time bucket."""

from collections.abc import Callable
from typing import Any

from nicegui import ui


class Timeline(ui.element, component="timeline.js"):
    """Bars of ``buckets``; a click calls ``picked`` with the bucket's start."""

    def __init__(self, buckets: list[dict[str, Any]], picked: Callable[[str], object]) -> None:
        super().__init__()
        self._props["buckets"] = buckets
        self.on("pick", lambda event: picked(event.args))
