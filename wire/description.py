"""What people write about a line's kinds of defects, and how much of it a detector that reads is told."""

from enum import StrEnum
from typing import Final, Literal

from pydantic import Field

from wire.json_message import Record

# A paragraph: 248 tokens, the most that a text tower reads, are about 1200 characters.
MOST_CHARACTERS: Final = 1200


class PromptLevel(StrEnum):
    """By content, since the two published versions number them differently (SYSTEMS A.1.1, Q22)."""

    CLASSNAME = "classname"  # "A photo of [class]."
    CLASS_LEVEL = "class_level"  # name, looks, industrial cause
    SAMPLE_AUTO = "sample_auto"  # a description of one sample, filtered by machine alone
    SAMPLE_REFINED = "sample_refined"  # the same, refined by people
    ATTRIBUTES = "attributes"  # nine structured fields
    TEMPLATE = "template"  # a sentence made of them


# "" = as the recipe says. Not a union with ``PromptLevel``, whose errors would name its members beside the field.
ChosenLevel = Literal[
    "",
    PromptLevel.CLASSNAME,
    PromptLevel.CLASS_LEVEL,
    PromptLevel.SAMPLE_AUTO,
    PromptLevel.SAMPLE_REFINED,
    PromptLevel.ATTRIBUTES,
    PromptLevel.TEMPLATE,
]


class Description(Record):
    """What one kind of defect is like, at one level; CLASSNAME needs none."""

    name: str = Field(min_length=1, max_length=100)
    level: PromptLevel
    text: str = Field(min_length=1, max_length=MOST_CHARACTERS)
