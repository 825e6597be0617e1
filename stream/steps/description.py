"""What a command says of a line's parts, as the line's specification."""

from typing import Final

from models.text.line_profile import without_tags
from wire.command import LineCommand
from wire.description import MOST_CHARACTERS, PromptLevel
from wire.line_state import LineSpec

_FIELDS: Final = (
    "class_name", "defect_words", "normality", "descriptions", "description_level", "learned_words", "matching",
)  # fmt: skip


def described(spec: LineSpec, command: LineCommand) -> LineSpec:
    """``spec`` with what ``command`` says; what it leaves out stays.

    ValueError if it says nothing, or what would not fit into a prompt.
    """
    said = {name: value for name in _FIELDS if (value := getattr(command, name)) is not None}
    if not said:
        raise ValueError("the command says nothing about the line's parts")
    for sentence in (command.class_name, command.normality, *(command.defect_words or ())):
        without_tags(sentence or "")
    seen = set()
    for each in command.descriptions or ():
        without_tags(each.text, most=MOST_CHARACTERS)
        place = (without_tags(each.name), each.level)
        if not place[0]:
            raise ValueError(f"{each.name!r} is no name for a kind of defect")
        if place in seen:
            raise ValueError(f"{each.name!r} has two texts of level {each.level}")
        seen.add(place)
    return spec.model_copy(update=said)


def missing_texts(spec: LineSpec) -> str:
    """For people: kinds that the line describes at other levels than the one it reads; "" = none."""
    if spec.learned_words or spec.description_level in ("", PromptLevel.CLASSNAME):
        return ""
    read = {each.name for each in spec.descriptions if each.level is spec.description_level}
    alone = dict.fromkeys(each.name for each in spec.descriptions if each.name not in read)
    return f"; no text of level {spec.description_level}, named alone: {', '.join(alone)}" if alone else ""
