"""One line on the live page."""

from typing import Any

from nicegui import ui


class Lane(ui.element, component="lane.js"):
    """Shows ``lane`` (see ``pages.live_lane.lane_of``); links lead to parts."""

    def __init__(self, lane: dict[str, Any]) -> None:
        super().__init__()
        self._props["lane"] = lane

    def show(self, lane: dict[str, Any]) -> None:
        """Send ``lane`` to the browser if it differs from what is there."""
        if self._props["lane"] != lane:
            self._props["lane"] = lane
            self.update()
