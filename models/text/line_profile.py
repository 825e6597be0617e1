"""What an operator writes about good parts of a line, made safe to stand in a prompt (SYSTEMS A.2.6, row 9)."""

import re
from typing import Final

# A sentence, not a document: longer ones would push the question out of a model's context.
MOST_CHARACTERS: Final = 400
# What language models read as the end of somebody's turn or as a place for pictures: <Img>, </s>, <|im_end|>, [INST].
_TAG = re.compile(r"<[^<>\n]*>|\[/?[A-Z]+\]|#{2,}")


def without_tags(written: str, *, most: int = MOST_CHARACTERS) -> str:
    """One line without control tags: brackets and rows of # are taken out, white space becomes one space.

    ValueError if it is longer than ``most`` characters.
    """
    words = written
    while (stripped := _TAG.sub(" ", words)) != words:
        words = stripped  # a tag inside a tag must not become one
    words = " ".join(words.split())
    if len(words) > most:
        raise ValueError(f"{len(words)} characters, at most {most} go into a prompt: {words[:60]} …")
    return words


def normality_sentence(written: str) -> str:
    """As ``without_tags``, to stand within a sentence: without a full stop."""
    return without_tags(written).rstrip(".")


def question_of(class_name: str, written: str, question: str) -> str:
    """A question about a part, behind what its line says of good ones: "A good nut should be round. Is …?"."""
    sentence = normality_sentence(written)
    subject = normality_sentence(class_name)
    return f"A good {subject} should be {sentence}. {question}" if sentence else question
