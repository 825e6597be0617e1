"""How a line's parts lie, as a command's option."""

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wire.line_state import Matching


class MatchingChoice(StrEnum):
    """``Matching`` in words."""

    ALIGNED = "aligned"
    NEAREST = "nearest"
    RECIPE = "recipe"

    @property
    def spoken(self) -> "Matching":
        """As a line state says it."""
        if self is MatchingChoice.RECIPE:
            return ""
        return "aligned" if self is MatchingChoice.ALIGNED else "nearest"
