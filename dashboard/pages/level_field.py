"""How much a detector that reads is told of each kind of defect: a level to choose, and its texts."""

from typing import Final

from nicegui import ui

from dashboard.command_requests import DescribedKind
from dashboard.errors import InvalidValue
from dashboard.pages.description_levels import LEVELS
from dashboard.pages.titled_field import titled_field
from wire.description import ChosenLevel, PromptLevel
from wire.line_state import LineSpec

_WITHOUT_TEXTS: Final = ("", PromptLevel.CLASSNAME)


class LevelField:
    """A select of levels; below it what the chosen one means, and the line's texts of that level, one a line."""

    def __init__(self, spec: LineSpec) -> None:
        self._texts: dict[ChosenLevel, str] = {}
        for each in spec.descriptions:
            self._texts[each.level] = f"{self._texts.get(each.level, '')}{each.name}: {each.text}\n"
        self._shown: ChosenLevel = spec.description_level
        self._select = titled_field(
            "How much is said of each kind of defect",
            ui.select,
            options={level: words.name for level, words in LEVELS.items()},
            value=spec.description_level,
            on_change=self._change,
        )
        self._meaning = ui.label().classes("soft").style("font-size:12px")
        with ui.element("div").style("width:100%") as self._place:
            self._area = titled_field(
                "Their texts at this level, one a line",
                ui.textarea,
                placeholder="burr: a thin bright edge",
            )
        self._area.props("rows=3")
        self._show()

    @property
    def chosen(self) -> ChosenLevel:
        """The level that is to be read."""
        return self._select.value or ""

    def descriptions(self) -> tuple[DescribedKind, ...]:
        """Every text of every level. InvalidValue for a line that is no ``kind: text``."""
        self._keep()
        return tuple(
            _described(line, level)
            for level, texts in self._texts.items()
            if level
            for line in texts.splitlines()
            if line.strip()
        )

    def _keep(self) -> None:
        if self._shown not in _WITHOUT_TEXTS:
            self._texts[self._shown] = self._area.value or ""

    def _change(self) -> None:
        self._keep()
        self._show()

    def _show(self) -> None:
        self._shown = self.chosen
        self._meaning.set_text(LEVELS[self._shown].meaning)
        self._area.set_value(self._texts.get(self._shown, "").rstrip("\n"))
        self._place.set_visibility(self._shown not in _WITHOUT_TEXTS)


def _described(line: str, level: PromptLevel) -> DescribedKind:
    name, colon, text = (each.strip() for each in line.partition(":"))
    if not (name and colon and text):
        raise InvalidValue(
            f"{line.strip()!r} is no description: write the kind of defect, a colon, and what it is like",
            field="descriptions",
            value=line,
        )
    return DescribedKind(name=name, level=level, text=text)
