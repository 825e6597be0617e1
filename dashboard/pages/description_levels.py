"""The levels of description in words: what a text of each contains."""

from typing import Final, NamedTuple

from wire.description import ChosenLevel, PromptLevel

# As a part's page shows them of each region.
_FIELDS: Final = "Scale, polarity, saliency, number, position, shape, direction, distribution of the defect"


class LevelWords(NamedTuple):
    """A level in few words, and what a text of it contains."""

    name: str
    meaning: str


LEVELS: Final[dict[ChosenLevel, LevelWords]] = {
    "": LevelWords("as the recipe says", "The recipe file chooses (text.level); without a choice: the name alone."),
    PromptLevel.CLASSNAME: LevelWords(
        "name alone", "“A photo of burr.” (T0): nothing is said of a kind of defect but its name; needs no text."
    ),
    PromptLevel.CLASS_LEVEL: LevelWords(
        "kind of defect",
        "One sentence for the whole kind (T1): its name, its looks, and how production causes it.",
    ),
    PromptLevel.SAMPLE_AUTO: LevelWords(
        "example, by a model",
        "What one example shows, as a model described it, checked by nobody (T2 of the first published version).",
    ),
    PromptLevel.SAMPLE_REFINED: LevelWords(
        "example, by people",
        "What one example shows, written or corrected by people (T3 of the first version, T2 of the second).",
    ),
    PromptLevel.ATTRIBUTES: LevelWords("nine attributes", f"{_FIELDS}, as a list (T3 of the second version)."),
    PromptLevel.TEMPLATE: LevelWords(
        "attributes as a sentence", f"{_FIELDS}, as one sentence of a fixed form (T4 of the second version)."
    ),
}
