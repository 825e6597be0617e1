"""Texts about kinds of defects, and the level that is read, as a person gives them on the command line."""

from pathlib import Path

import pytest

from lineside.defect_texts import chosen_level, read_descriptions
from wire.description import Description, PromptLevel
from wire.errors import ConfigurationError


def test_a_level_goes_by_its_name_and_by_both_published_numbers() -> None:
    assert chosen_level("template") is chosen_level("v2:T4") is PromptLevel.TEMPLATE
    assert chosen_level("v1:T2") is PromptLevel.SAMPLE_AUTO
    assert chosen_level("recipe") == ""
    with pytest.raises(ConfigurationError, match=r"--level: 'T4' is none of classname, .*v2:T4"):
        chosen_level("T4")


def test_a_file_holds_texts_by_kind_and_level(tmp_path: Path) -> None:
    file = tmp_path / "texts.yaml"
    file.write_text("burr:\n  class_level: A raised edge.\n  v2:T4: A thin burr.\nrust: {template: A brown film.}\n")
    assert read_descriptions(file) == (
        Description(name="burr", level=PromptLevel.CLASS_LEVEL, text="A raised edge."),
        Description(name="burr", level=PromptLevel.TEMPLATE, text="A thin burr."),
        Description(name="rust", level=PromptLevel.TEMPLATE, text="A brown film."),
    )


def test_everything_that_is_wrong_with_a_file_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "texts.yaml"
    file.write_text("burr: A thin burr.\nrust: {T4: A film.}\npit:\n  template: 7\n")
    with pytest.raises(ConfigurationError) as told:
        read_descriptions(file)
    first, second, third = told.value.problems
    assert first == f"{file}: burr: 'A thin burr.' is no text of a level; write burr: {{template: TEXT}}"
    assert second.startswith(f"{file}: rust: 'T4' is none of classname, ")
    assert third == f"{file}: pit: template: Input should be a valid string, got 7"
