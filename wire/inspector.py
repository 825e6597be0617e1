"""The ports behind which every detector lives (DESIGN §5)."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from wire.finding import Finding
from wire.lesson import Lesson
from wire.line_state import LineSpec, LineState
from wire.part import Part


class Inspector(Protocol):
    """A detector. It remembers nothing between calls: same parts and states, same findings.

    Calls come from one thread at a time. ``inspect`` may be given parts of many lines at once.
    """

    @property
    def recipe(self) -> str:
        """The recipe's name."""

    @property
    def digest(self) -> str:
        """sha256 over weights, recipe and its parameters: equal digests, equal answers on the same device."""

    def inspect(self, parts: Sequence[Part], states: Sequence[LineState | None]) -> list[Finding]:
        """One finding per part, in order; ``states[i]`` is None while the line of ``parts[i]`` has no memory yet."""

    def build_state(self, references: Sequence[Part], spec: LineSpec, *, product: str = "") -> LineState:
        """Build a state (version 0; the caller numbers it) from good parts only; ValueError for fewer than 2."""


@runtime_checkable
class ReadingInspector(Inspector, Protocol):
    """A detector that compares pictures with words, and takes those that a training found for a line."""

    def check_words(self, file: bytes) -> None:
        """ValueError if it reads nothing, or if ``file`` holds no learned words that fit its text tower."""


@runtime_checkable
class NamingInspector(Inspector, Protocol):
    """A detector that also learns names of defects from people."""

    def teach(self, state: LineState, lessons: Sequence[Lesson], goods: Sequence[Part]) -> LineState:
        """A state (the caller numbers it) that also knows these examples of people's own classes.

        A region named again gets its new name; the name ``unknown`` forgets it. ``goods``: some good parts, which no
        class may reach. ValueError if its recipe names nothing, or another model made the state.
        """
