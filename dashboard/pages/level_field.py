"""How much a detector that reads is told of each kind of defect: a level to choose, and its texts."""

from nicegui import ui

from dashboard.command_requests import DescribedKind
from dashboard.errors import InvalidValue
from dashboard.pages.description_levels import LEVELS
from dashboard.pages.titled_field import titled_field
from wire.description import ChosenLevel, PromptLevel
from wire.line_state import LineSpec


class LevelField:
    """A select of levels; below it what the chosen one means, and the line's texts of that level, one a line.

    Every level has a text area of its own: a choice on its way to the server never replaces what is being written.
    """

    def __init__(self, spec: LineSpec) -> None:
        self._select = titled_field(
            "How much is said of each kind of defect",
            ui.select,
            options={level: words.name for level, words in LEVELS.items()},
            value=spec.description_level,
            on_change=self._show,
        )
        self._meaning = ui.label().classes("soft").style("font-size:12px")
        self._texts = {level: _TextsField(level, spec) for level in PromptLevel if level is not PromptLevel.CLASSNAME}
        self._show()

    @property
    def chosen(self) -> ChosenLevel:
        """The level that is to be read."""
        return self._select.value or ""

    def descriptions(self) -> tuple[DescribedKind, ...]:
        """Every text of every level. InvalidValue for a line that is no ``kind: text``."""
        return tuple(
            _described(line, level)
            for level, texts in self._texts.items()
            for line in texts.value.splitlines()
            if line.strip()
        )

    def _show(self) -> None:
        self._meaning.set_text(LEVELS[self.chosen].meaning)
        for level, texts in self._texts.items():
            texts.set_visibility(level == self.chosen)


class _TextsField:
    """The texts of one level, one a line, as ``kind: text``."""

    def __init__(self, level: PromptLevel, spec: LineSpec) -> None:
        with ui.element("div").style("width:100%") as self._place:
            self._area = titled_field(
                f"Texts: {LEVELS[level].name}, one a line",
                ui.textarea,
                value="\n".join(f"{each.name}: {each.text}" for each in spec.descriptions if each.level == level),
                placeholder="burr: a thin bright edge",
            )
        self._area.props("rows=3")

    @property
    def value(self) -> str:
        """As written."""
        return self._area.value or ""

    def set_visibility(self, visible: bool) -> None:
        """Show or hide title and text."""
        self._place.set_visibility(visible)


def _described(line: str, level: PromptLevel) -> DescribedKind:
    name, colon, text = (each.strip() for each in line.partition(":"))
    if not (name and colon and text):
        raise InvalidValue(
            f"{line.strip()!r} is no description: write the kind of defect, a colon, and what it is like",
            field="descriptions",
            value=line,
        )
    return DescribedKind(name=name, level=level, text=text)
