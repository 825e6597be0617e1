"""The picture of one part with its layers, regions and facts."""

from typing import Any

from nicegui import ui


class PartViewer(ui.element, component="part_viewer.js"):
    """``views``: addresses of image, map, mask per modality; ``regions``: boxes in px of their modality's image."""

    def __init__(self, views: list[dict[str, Any]], regions: list[dict[str, Any]]) -> None:
        super().__init__()
        self._props["views"] = views
        self._props["regions"] = regions
