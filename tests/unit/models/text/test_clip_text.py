"""SYSTEMS part C, rows 6 to 8: embeddings of ensembles, cached; words that are learned; a line's own level."""

import hashlib

import open_clip
import pytest
import torch
from safetensors.torch import save

from models.backbones.clip_model import TINY_CLIP, random_clip
from models.backbones.weights_file import frozen, parameters_sha256
from models.text.clip_text import ClipText, mean_direction
from models.text.ensembles import Ensemble
from models.text.learned_context import LearnedContext, pack_context, read_context
from models.text.prompt_bank import PromptBank, TextSettings, usual_suffixes
from wire.description import Description, PromptLevel
from wire.errors import ConfigurationError
from wire.finding import Reading
from wire.line_state import LineSpec

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def clip() -> open_clip.CLIP:
    model = random_clip(TINY_CLIP, 0)
    frozen(model, CPU)
    return model


def test_strings_become_unit_vectors_as_open_clip_makes_them(clip: open_clip.CLIP):
    found = ClipText(clip).encode(["a nut", "a bolt"])
    expected = clip.encode_text(open_clip.get_tokenizer("ViT-B-16")(["a nut", "a bolt"]), normalize=True)
    torch.testing.assert_close(found, expected)
    assert found.norm(dim=1).tolist() == pytest.approx([1, 1])


def test_a_cached_string_has_the_vector_that_it_would_be_given_again(clip: open_clip.CLIP):
    text = ClipText(clip)
    first = text.encode(["a nut", "a bolt"])
    again = text.encode(["a bolt", "a pin", "a nut"])
    assert torch.equal(again[[2, 0]], first)  # not computed again: bit by bit
    fresh = ClipText(clip).encode(["a bolt"])
    torch.testing.assert_close(fresh[0], first[1])


def test_the_mean_of_an_ensemble_has_length_one_and_knows_no_order():
    vectors = torch.nn.functional.normalize(torch.randn(9, 5, generator=torch.Generator().manual_seed(0)), dim=1)
    mean = mean_direction(vectors)
    assert float(mean.norm()) == pytest.approx(1)
    torch.testing.assert_close(mean_direction(vectors.flip(0)), mean)
    assert mean_direction(torch.tensor([[1.0, 0.0], [0.0, 1.0]])).tolist() == pytest.approx([2**-0.5, 2**-0.5])


def test_a_text_beyond_the_context_is_cut_and_said(clip: open_clip.CLIP):
    long = "scratch " * 100
    with pytest.warns(UserWarning, match="102 tokens, 77 are read: 'scratch scratch"):
        found = ClipText(clip).encode([long])
    assert torch.isfinite(found).all()


def test_a_context_of_248_reads_a_whole_description(recwarn: pytest.WarningsRecorder):
    model = random_clip(TINY_CLIP, 0, context=248)
    frozen(model, CPU)
    text = ClipText(model)
    start, end = "a thin bright line " * 40, "across the upper edge"  # 160 tokens, and 4 more
    whole, cut = text.encode([start + end, start])
    assert not recwarn.list
    assert not torch.allclose(whole, cut, atol=1e-4)


def settings(**more: object) -> TextSettings:
    usual: dict[str, object] = {
        "class_name": "surface", "ensemble": Ensemble.SHORT, "level": "classname", "classes": {}, "learned": None,
    }  # fmt: skip
    return TextSettings.model_validate(usual | more)


def test_a_lines_own_name_and_words_make_its_directions(clip: open_clip.CLIP):
    bank = PromptBank(ClipText(clip), settings(), None, clip)
    plain, named = bank.pair(None), bank.pair(LineSpec(line="l", class_name="nut"))
    assert bank.prompts(None).normal[0] == "a photo of surface."
    assert not torch.allclose(plain.normal, named.normal, atol=1e-4)
    worded = bank.pair(LineSpec(line="l", class_name="nut", defect_words=("with a burr",)))
    assert torch.equal(worded.normal, named.normal)
    assert not torch.allclose(worded.abnormal, named.abnormal, atol=1e-5)
    round_one = bank.pair(LineSpec(line="l", class_name="nut", normality="round </s>"))
    assert bank.prompts(LineSpec(line="l", class_name="nut", normality="round </s>")).normal[-1].endswith("nut, round.")
    assert torch.equal(round_one.abnormal, named.abnormal)


def test_descriptions_of_classes_stand_beside_the_ensemble_at_the_level_asked_for(clip: open_clip.CLIP):
    classes = {"scratch": {"v2:T4": "A thin bright line."}}
    bank = PromptBank(ClipText(clip), settings(classes=classes, level="template"), None, clip)
    assert bank.prompts(None).abnormal[-1] == "A thin bright line."
    assert settings(level="v1:T3").level is PromptLevel.SAMPLE_REFINED


BURR = (
    Description(name="burr", level=PromptLevel.TEMPLATE, text="A thin bright <Img> burr."),
    Description(name="burr", level=PromptLevel.CLASS_LEVEL, text="Burr: a raised edge, left by a dull tool."),
    Description(name="rust", level=PromptLevel.CLASS_LEVEL, text="Rust: a brown film, from moisture."),
)


def test_a_line_chooses_the_level_and_describes_its_own_kinds_beside_those_of_the_recipe(clip: open_clip.CLIP):
    classes = {"scratch": {"class_level": "Scratch: a bright line, from handling.", "template": "A bright line."}}
    bank = PromptBank(ClipText(clip), settings(classes=classes), None, clip)

    def said(**more: object) -> tuple[str, ...]:
        return bank.prompts(LineSpec(line="l", **more)).abnormal[10:]  # type: ignore[arg-type]

    assert said() == ("A photo of scratch.",)
    assert said(description_level="class_level") == ("Scratch: a bright line, from handling.",)
    assert said(descriptions=BURR) == ("A photo of scratch.", "A photo of burr.", "A photo of rust.")
    assert said(descriptions=BURR, description_level="class_level") == (
        "Scratch: a bright line, from handling.",
        "Burr: a raised edge, left by a dull tool.",
        "Rust: a brown film, from moisture.",
    )
    own = Description(name="scratch", level=PromptLevel.TEMPLATE, text="A dull line.")
    assert said(descriptions=(own,), description_level="template") == ("A dull line.",)


def test_a_kind_without_a_text_of_the_lines_level_is_named_alone_which_the_reading_says(clip: open_clip.CLIP):
    bank = PromptBank(ClipText(clip), settings(), None, clip)
    spec = LineSpec(line="l", descriptions=BURR, description_level=PromptLevel.TEMPLATE)
    with pytest.warns(UserWarning, match="class 'rust' has no text of level template; its name is used"):
        pair = bank.pair(spec)
    assert bank.prompts(spec).abnormal[-2:] == ("A thin bright burr.", "A photo of rust.")
    assert bank.reading(spec, "enhanced") == Reading(
        vv_mode="enhanced", level=PromptLevel.TEMPLATE, named_alone=("rust",)
    )
    whole = LineSpec(line="l", descriptions=BURR, description_level=PromptLevel.CLASS_LEVEL)
    assert bank.reading(whole, "none") == Reading(vv_mode="none", level=PromptLevel.CLASS_LEVEL)
    assert bank.reading(None, "none").level is PromptLevel.CLASSNAME
    assert not torch.allclose(pair.abnormal, bank.pair(whole).abnormal, atol=1e-5)


def test_learned_words_have_a_gradient_that_differences_confirm(clip: open_clip.CLIP):
    exact = random_clip(TINY_CLIP, 0).double().eval().requires_grad_(requires_grad=False)
    context = LearnedContext(32).double()

    def loss(words: torch.Tensor, abnormal: torch.Tensor) -> torch.Tensor:
        own = torch.func.functional_call(
            context, {"context": words, "abnormal": abnormal}, (exact, "nut", ("with a flaw",))
        )
        return (own.normal * own.abnormal).sum() + own.alignment()

    given = tuple(each.detach().clone().requires_grad_() for each in (context.context, context.abnormal))
    assert torch.autograd.gradcheck(loss, given, eps=1e-6, atol=1e-6, nondet_tol=1e-12, fast_mode=True)


def test_only_the_words_are_learned(clip: open_clip.CLIP):
    before = parameters_sha256(clip)
    context = LearnedContext(32)
    optimizer = torch.optim.Adam(context.parameters(), lr=0.01)
    for _ in range(3):
        optimizer.zero_grad()
        texts = context(clip, "nut", ("with a flaw",))
        (texts.normal * texts.abnormal).sum().backward()
        optimizer.step()
    assert parameters_sha256(clip) == before
    assert all(parameter.grad is None for parameter in clip.parameters())
    assert [tuple(each.shape) for each in context.parameters()] == [(4, 32), (4, 32)]


def test_learned_words_come_back_from_their_file(clip: open_clip.CLIP):
    context = LearnedContext(32, seed=4)
    back = read_context(pack_context(context), "words.safetensors", 32)
    assert torch.equal(back.context, context.context)
    texts = back(clip, "nut", ("with a flaw",))
    assert torch.equal(texts.normal, context(clip, "nut", ("with a flaw",)).normal)
    assert float(texts.alignment()) > 0


def test_a_line_has_learned_words_of_its_own_which_win_over_those_of_the_recipe(clip: open_clip.CLIP):
    files = [pack_context(LearnedContext(32, seed=seed)) for seed in (4, 5)]
    hashes = [hashlib.sha256(file).hexdigest() for file in files]
    plain = PromptBank(ClipText(clip), settings(), None, clip)
    recipes = PromptBank(ClipText(clip), settings(), plain.known_words(files[0]), clip)
    spec = LineSpec(line="l", class_name="nut", defect_words=("with a burr",))
    expected = read_context(files[1], "words", 32)(clip, "nut", (*usual_suffixes(), "with a burr"))
    for bank in (plain, recipes):
        torch.testing.assert_close(bank.pair(spec, files[1]).abnormal, expected.abnormal)
        assert bank.reading(spec, "none", files[1]) == Reading(vv_mode="none", learned_words=hashes[1])
    assert recipes.reading(spec, "none") == Reading(vv_mode="none", learned_words=hashes[0])
    assert plain.reading(spec, "none") == Reading(vv_mode="none", level=PromptLevel.CLASSNAME)
    assert not torch.allclose(recipes.pair(spec).abnormal, expected.abnormal, atol=1e-4)


@pytest.mark.parametrize(
    ("tensors", "wrong"),
    [
        (
            {"context": torch.ones(4, 48), "abnormal": torch.ones(4, 32)},
            r"context has shape \(4, 48\), expected \(4, 32\)",
        ),
        ({"context": torch.ones(4, 32)}, "abnormal is missing"),
        ({"context": torch.ones(4, 32), "abnormal": torch.full((4, 32), torch.nan)}, "abnormal holds nan, expected"),
    ],
)
def test_a_file_of_words_that_do_not_fit_is_named_with_key_and_value_and_ends_no_worker(
    clip: open_clip.CLIP, tensors: dict[str, torch.Tensor], wrong: str
):
    file = save(tensors)
    with pytest.raises(ConfigurationError, match=f"weights words.safetensors: {wrong}"):
        read_context(file, "words.safetensors", 32)
    bank = PromptBank(ClipText(clip), settings(), None, clip)
    with pytest.raises(ConfigurationError, match=f"learned words {hashlib.sha256(file).hexdigest()[:12]}: {wrong}"):
        bank.known_words(file)
    with pytest.warns(UserWarning, match="a line is judged without its learned words"):
        pair = bank.pair(LineSpec(line="l"), file)
    assert torch.equal(pair.normal, bank.pair(LineSpec(line="l")).normal)
    assert bank.reading(LineSpec(line="l"), "none", file).learned_words == ""


def test_what_is_no_file_of_weights_is_said():
    with pytest.raises(ConfigurationError, match=r"weights words.txt: .*header"):
        read_context(b"four words of context", "words.txt", 32)
