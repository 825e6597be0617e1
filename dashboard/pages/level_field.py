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
        self._texts = {
            level: self._texts_field(level, spec) for level in PromptLevel if level is not PromptLevel.CLASSNAME
        }
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
            for line in (texts.value or "").splitlines()
            if line.strip()
        )

    def _show(self) -> None:
        self._meaning.set_text(LEVELS[self.chosen].meaning)

    def _texts_field(self, level: PromptLevel, spec: LineSpec) -> ui.textarea:
        """The texts of one level; title and text are there while it is chosen."""
        with ui.element("div").style("width:100%") as place:
            area: ui.textarea = titled_field(
                f"Texts: {LEVELS[level].name}, one a line",
                ui.textarea,
                value="\n".join(f"{each.name}: {each.text}" for each in spec.descriptions if each.level == level),
                placeholder="burr: a thin bright edge",
            )
        place.bind_visibility_from(self._select, "value", value=level)
        return area.props("rows=3")


def _described(line: str, level: PromptLevel) -> DescribedKind:
    name, colon, text = (each.strip() for each in line.partition(":"))
    if not (name and colon and text):
        raise InvalidValue(
            f"{line.strip()!r} is no description: write the kind of defect, a colon, and what it is like",
            field="descriptions",
            value=line,
        )
    return DescribedKind(name=name, level=level, text=text)
