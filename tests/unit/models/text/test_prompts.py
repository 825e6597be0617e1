"""SYSTEMS part C, rows 6, 8 and 9: ensembles, levels of description, what an operator writes."""

import pytest

from models.text.ensembles import Ensemble, ensemble
from models.text.levels import ALIASES, Rendered, level_of, render
from models.text.line_profile import normality_sentence, question_of
from wire.description import PromptLevel
from wire.errors import ConfigurationError


@pytest.mark.parametrize(("which", "normal", "abnormal"), [(Ensemble.WIDE, 147, 84), (Ensemble.SHORT, 14, 10)])
def test_the_ensembles_have_as_many_strings_as_the_published_ones(which: Ensemble, normal: int, abnormal: int):
    prompts = ensemble(which, "steel strip")
    assert (len(prompts.normal), len(set(prompts.normal))) == (normal, normal)
    assert (len(prompts.abnormal), len(set(prompts.abnormal))) == (abnormal, abnormal)
    assert all("steel strip" in text and "{" not in text for text in (*prompts.normal, *prompts.abnormal))


def test_a_lines_own_words_stand_in_every_template():
    prompts = ensemble(Ensemble.SHORT, "nut", suffixes=("with a burr",), normality="round", more=("A torn nut.",))
    assert prompts.normal[-2:] == ("a photo of a nut, round.", "a close-up photo of a nut, round.")
    assert prompts.abnormal[-3:] == (
        "a photo of a nut with a burr.",
        "a close-up photo of a nut with a burr.",
        "A torn nut.",
    )


def test_levels_are_named_by_content_and_both_versions_numbers_are_aliases():
    assert dict(ALIASES) == {
        "v1:T0": "classname", "v1:T1": "class_level", "v1:T2": "sample_auto", "v1:T3": "sample_refined",
        "v2:T1": "class_level", "v2:T2": "sample_refined", "v2:T3": "attributes", "v2:T4": "template",
    }  # fmt: skip
    assert level_of("v1:T2") is not level_of("v2:T2")
    assert level_of("TEMPLATE") is PromptLevel.TEMPLATE
    with pytest.raises(ConfigurationError, match=r"text.level: 'T9' is none of classname, class_level, .*v2:T4"):
        level_of("T9")


@pytest.mark.parametrize("level", list(PromptLevel))
def test_every_level_renders_for_every_class_that_has_its_text(level: PromptLevel):
    texts = {each: f"text of {each}" for each in PromptLevel}
    for name in ("scratch", "rolled-in scale"):
        rendered = render(name, level, texts)
        assert rendered.level is level
        assert rendered.text == (f"A photo of {name}." if level is PromptLevel.CLASSNAME else f"text of {level}")


def test_a_missing_text_falls_back_to_the_name_and_says_so():
    with pytest.warns(UserWarning, match="class 'pit' has no text of level template; its name is used"):
        rendered = render("pit", PromptLevel.TEMPLATE, {PromptLevel.TEMPLATE: "  "})
    assert rendered == Rendered(name="pit", text="A photo of pit.", level=PromptLevel.CLASSNAME)


def test_what_an_operator_writes_about_good_parts_leads_the_question():
    asked = question_of("hex nut", " round,\n no print. ", "Is there a defect?")
    assert asked == "A good hex nut should be round, no print. Is there a defect?"
    assert question_of("hex nut", "", "Is there a defect?") == "Is there a defect?"


@pytest.mark.parametrize(
    "written",
    [
        "round <Img>",
        "round</s>",
        "round ### Assistant",
        "round <|im_end|>",
        "round [INST] [/INST]",
        "round <<Img>Img>",
        "round ##<x># Human",
    ],
)
def test_control_tags_never_reach_a_prompt(written: str):
    sentence = normality_sentence(written)
    assert sentence.startswith("round")
    assert not any(tag in sentence for tag in ("<Img", "</s>", "##", "<|", "[INST]", "[/INST]"))


def test_a_document_is_no_sentence():
    with pytest.raises(ValueError, match="401 characters, at most 400"):
        normality_sentence("x" * 401)
