"""The recipe of SPGDD-GPT from end to end, through the port of every detector (SYSTEMS part C, rows 12, 19, 20)."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from models.backbones.clip_model import TINY_CLIP, random_clip
from models.evaluate.loading import part_of
from models.recipes import load_inspector
from models.recipes.recipe import read_recipe
from models.recipes.spgdd_recipe import SpgddRecipe
from models.recipes.token_eye import token_eye
from models.text.learned_context import LearnedContext, pack_context
from wire.description import PromptLevel
from wire.errors import ConfigurationError
from wire.finding import Finding, Mode, Reading, Verdict
from wire.inspector import Inspector, ReadingInspector
from wire.line_state import LineSpec, LineState
from wire.part import Part

TINY = {"backbone.name": TINY_CLIP}
# Every switch of the paper's ablations with another value than the shipped one.
SWITCHES = {
    "backbone.vv_mode": "none",
    "backbone.memory_source": "ori",
    "backbone.layers": "[2, 4]",
    "text.ensemble": "short",
    "tddf.metric": "cosine",
    "tddf.norm": "squared",
    "tddf.temperature": "0.2",
    "memory.match": "nearest",
    "memory.rotations": "1",
    "memory.fusion": "replace",
    "score.image": "map",
    "score.temperature": "log",
}


def surface(seed: int, *, defect: bool = False) -> NDArray[np.uint8]:
    """One pattern (72, 96), with noise; a white square at rows 20 to 40, columns 60 to 80."""
    pattern = np.random.default_rng(0).integers(40, 160, (9, 12, 3)).repeat(8, 0).repeat(8, 1)
    image = pattern + np.random.default_rng(100 + seed).integers(-6, 7, pattern.shape)
    if defect:
        image[20:40, 60:80] = 255
    return np.clip(image, 0, 255).astype(np.uint8)


def part(seed: int, *, defect: bool = False, turn: int = 0) -> Part:
    image = np.ascontiguousarray(np.rot90(surface(seed, defect=defect), turn))
    return part_of(image, f"part {seed} {defect} {turn}", "l")


@pytest.fixture(scope="module")
def tiny() -> Inspector:
    return load_inspector("spgdd", threads=1, changes=TINY)


def found(inspector: Inspector, *parts: Part, references: int = 4) -> list[Finding]:
    state = inspector.build_state([part(seed) for seed in range(references)], LineSpec(line="l"))
    return inspector.inspect(parts, [state] * len(parts))


def test_a_defect_is_found_where_it_is_and_a_good_part_is_good(tiny: Inspector):
    good, bad = found(tiny, part(20), part(21, defect=True))
    assert (good.verdict, good.regions) == (Verdict.OK, ())
    assert bad.verdict is Verdict.DEFECT
    x0, y0, x1, y1 = bad.regions[0].xyxy_px
    assert x0 < 70 < x1
    assert y0 < 30 < y1
    assert bad.pictures["rgb"].mask.shape == (72, 96)
    assert bad.pictures["rgb"].map.shape == (6, 6)
    assert 0 <= bad.pictures["rgb"].map.min() <= bad.pictures["rgb"].map.max() <= 1


def test_results_name_recipe_mode_shots_and_the_closest_reference(tiny: Inspector):
    references = [part(seed) for seed in range(4)]
    state = tiny.build_state(references, LineSpec(line="l"))
    known, unknown = tiny.inspect([references[2], part(9)], [state, None])
    assert tiny.recipe == "spgdd"
    assert known.mode is Mode.MEMORY
    verdict = known.modalities[0]
    assert (verdict.shots, verdict.closest_reference) == (4, references[2].inspection_id)
    assert unknown.mode is Mode.ZERO_SHOT
    assert (unknown.modalities[0].shots, unknown.modalities[0].closest_reference) == (0, None)
    assert (unknown.verdict, unknown.threshold) == (Verdict.UNKNOWN, None)
    assert unknown.score is not None


@pytest.mark.parametrize("mode", ["enhanced", "none", "surgery"])
def test_every_result_says_how_its_picture_was_seen_and_at_which_level_it_was_read(mode: str):
    own = load_inspector("spgdd", threads=1, changes={**TINY, "backbone.vv_mode": mode, "text.level": "v2:T4"})
    spec = LineSpec(line="l", description_level=PromptLevel.CLASS_LEVEL)
    state = own.build_state([part(0), part(1)], spec)
    # A memory was built with the words of its state, whatever the line says meanwhile.
    later = part_of(surface(9), "later", "l", LineSpec(line="l"))
    fresh = part_of(surface(9), "fresh", "l", spec)
    readings = [each.modalities[0].reading for each in own.inspect([later, fresh, part(9)], [state, None, None])]
    assert readings == [
        Reading(vv_mode=mode, level=PromptLevel.CLASS_LEVEL),
        Reading(vv_mode=mode, level=PromptLevel.CLASS_LEVEL),
        Reading(vv_mode=mode, level=PromptLevel.TEMPLATE),
    ]


def test_zero_shot_findings_know_no_state_and_a_stream_may_begin_without_one(tiny: Inspector):
    state = tiny.build_state([part(seed) for seed in range(2)], LineSpec(line="l"))
    stream = [part(30), part(31), part(32), part(33)]
    mixed = tiny.inspect(stream, [None, None, state, state])
    alone = tiny.inspect(stream[:2], [None, None])
    assert [each.mode for each in mixed] == [Mode.ZERO_SHOT, Mode.ZERO_SHOT, Mode.MEMORY, Mode.MEMORY]
    for one, other in zip(mixed[:2], alone, strict=True):
        np.testing.assert_allclose(one.pictures["rgb"].map, other.pictures["rgb"].map, atol=1e-6)


def test_a_turned_reference_is_still_the_closest(tiny: Inspector):
    distinct = [part_of(np.ascontiguousarray(np.rot90(surface(s), s)), f"turned {s}", "l") for s in range(2)]
    state = tiny.build_state(distinct, LineSpec(line="l"))
    # Squares keep their pixels through a turn; these are squashed to one.
    finding = tiny.inspect([distinct[1]], [state])[0]
    assert finding.modalities[0].closest_reference == distinct[1].inspection_id


def test_the_same_references_build_the_same_state_bit_by_bit_within_the_bound(tiny: Inspector):
    references, spec = [part(seed) for seed in range(6)], LineSpec(line="l", max_vectors=300)
    one, other = tiny.build_state(references, spec), tiny.build_state(references, spec)
    assert one.metadata.digest == other.metadata.digest
    assert {name: each.shape[0] for name, each in one.tensors.items() if name.endswith("bank")} == {
        "rgb.layer1_bank": 288, "rgb.layer3_bank": 288, "rgb.layer4_bank": 288,
    }  # fmt: skip
    kept = {references[int(owner)].inspection_id for owner in set(one.tensors["rgb.layer1_owner"])}
    closest = tiny.inspect([part(40)], [one])[0].modalities[0].closest_reference
    assert closest in kept


def test_a_single_reference_is_enough_to_begin(tiny: Inspector):
    good, bad = found(tiny, part(20), part(21, defect=True), references=1)
    assert good.verdict is Verdict.OK
    assert (bad.verdict, bad.modalities[0].shots) == (Verdict.DEFECT, 1)


def test_every_switch_changes_its_key_the_digest_and_what_is_seen(tiny: Inspector):
    shipped = read_recipe("spgdd", TINY)
    seen = part(21, defect=True), part(22, turn=1)  # one as it is, one turned
    usual = found(tiny, *seen)
    for key, value in SWITCHES.items():
        changed = read_recipe("spgdd", {**TINY, key: value})
        assert isinstance(changed, SpgddRecipe)
        assert differing(shipped.model_dump(), changed.model_dump()) == {key}
        other = load_inspector("spgdd", threads=1, changes={**TINY, key: value})
        assert other.digest != tiny.digest, key
        changed_maps = [
            one.score != another.score or not np.array_equal(one.pictures["rgb"].map, another.pictures["rgb"].map)
            for one, another in zip(found(other, *seen), usual, strict=True)
        ]
        assert any(changed_maps), key


def differing(one: object, other: object, prefix: str = "") -> set[str]:
    if not isinstance(one, dict) or not isinstance(other, dict):
        return set() if one == other else {prefix[:-1]}
    return {each for name in one for each in differing(one[name], other[name], f"{prefix}{name}.")}


def test_without_words_the_shipped_network_sees_by_memory_alone():
    inspector = load_inspector("spgdd", threads=1, changes={"backbone.name": "embedded", "backbone.frame_px": "64"})
    good, bad = found(inspector, part(20), part(21, defect=True))
    assert (good.verdict, bad.verdict) == (Verdict.OK, Verdict.DEFECT)
    assert bad.pictures["rgb"].map.shape == (8, 8)


def test_a_memory_may_be_of_what_sams_encoder_sees():
    for recipe, more in (("spgdd", {}), ("samllava", {"sam.size": "null", "coarse.wordless": "memory"})):
        own = load_inspector(recipe, threads=1, changes={"backbone.name": "sam-tiny_mobile", **more})
        good, bad = found(own, part(20), part(21, defect=True))
        assert bad.score > good.score
        assert np.isfinite(own.inspect([part(22)], [None])[0].pictures["rgb"].map).all()
        assert bad.modalities[0].closest_reference is not None
        # It reads nothing, and has no value-value attention, whatever the recipe's key says.
        assert bad.modalities[0].reading == good.modalities[0].reading == Reading(vv_mode="none")


def test_the_shipped_networks_own_opinion_stands_in_for_words():
    changes = {"backbone.name": "embedded", "backbone.frame_px": "64"}
    settings = read_recipe("spgdd", changes)
    assert isinstance(settings, SpgddRecipe)
    alone, asked = (
        load_inspector("spgdd", threads=1, changes={**changes, "tddf.wordless": wordless})
        for wordless in ("memory", "own")
    )
    backbone = token_eye("spgdd", settings.backbone, torch.device("cpu")).backbone
    seen = part(21, defect=True)
    frame = torch.from_numpy(backbone.profile.prepare(seen.images["rgb"]).pixels)[None]
    with torch.inference_mode():
        opinion = backbone.encode(frame).opinion
    assert opinion is not None
    zero_shot = alone.inspect([seen], [None])[0].pictures["rgb"].map
    np.testing.assert_allclose(zero_shot, opinion.view(8, 8).numpy(), atol=1e-5)
    by_memory, both = (found(each, seen)[0].pictures["rgb"].map for each in (alone, asked))
    np.testing.assert_allclose(both, by_memory * zero_shot, atol=1e-5)


def test_weights_are_read_from_the_file_that_a_person_names(tmp_path: Path):
    file = tmp_path / "tiny.safetensors"
    save_file(dict(random_clip(TINY_CLIP, 5).state_dict()), file)
    from_file = load_inspector("spgdd", threads=1, changes={**TINY, "backbone.weights": str(file)})
    from_seed = load_inspector("spgdd", threads=1, changes={**TINY, "backbone.seed": "5"})
    one, other = (found(each, part(21, defect=True))[0].pictures["rgb"].map for each in (from_file, from_seed))
    np.testing.assert_array_equal(one, other)
    with pytest.raises(ConfigurationError, match=r"--weights FILE is missing .* never downloaded"):
        load_inspector("spgdd")


def test_a_line_is_told_when_its_memory_cannot_hold_one_reference(tiny: Inspector):
    with pytest.raises(ValueError, match="a memory of 100 vectors holds no whole reference of 4 turns of 36 tokens"):
        tiny.build_state([part(0), part(1)], LineSpec(line="l", max_vectors=100))


def test_a_line_says_whether_its_parts_lie_in_a_fixture(tiny: Inspector):
    references = [part(seed) for seed in range(3)]
    # Moved by a patch of the frame: 12 px of 72, 16 px of 96.
    moved = part_of(np.roll(surface(7), (12, 16), (0, 1)), "moved", "l")
    loose = load_inspector("spgdd", threads=1, changes={**TINY, "memory.match": "nearest"})
    shipped = tiny.build_state(references, LineSpec(line="l"))
    tops = {}
    for matching in ("", "aligned", "nearest"):
        state = tiny.build_state(references, LineSpec(line="l", matching=matching))
        tops[matching] = tiny.inspect([moved], [state])[0].pictures["rgb"].map
    assert np.array_equal(tops[""], tops["aligned"])
    other = loose.build_state(references, LineSpec(line="l"))
    np.testing.assert_allclose(tops["nearest"], loose.inspect([moved], [other])[0].pictures["rgb"].map, atol=1e-6)
    assert float(tops["nearest"].mean()) < float(tops["aligned"].mean())
    # A state from before lines said so is read as the recipe says.
    before = {name: each for name, each in shipped.tensors.items() if not name.endswith("matched_anywhere")}
    old = LineState(metadata=shipped.metadata, tensors=before)
    assert np.array_equal(tiny.inspect([moved], [old])[0].pictures["rgb"].map, tops["aligned"])


def test_a_lines_words_travel_with_its_state(tiny: Inspector):
    references = [part(0), part(1)]
    plain, worded = (
        tiny.build_state(references, LineSpec(line="l", class_name="nut", defect_words=words))
        for words in ((), ("with a burr",))
    )
    assert plain.tensors["rgb.text"].shape == (2, 24)
    assert not np.allclose(plain.tensors["rgb.text"][1], worded.tensors["rgb.text"][1], atol=1e-5)
    np.testing.assert_array_equal(plain.tensors["rgb.text"][0], worded.tensors["rgb.text"][0])


@pytest.mark.parametrize("recipe", ["spgdd", "samllava"])
def test_lines_with_learned_words_of_their_own_share_a_batch(recipe: str):
    changes = {**TINY, **({"sam.size": "null"} if recipe == "samllava" else {})}
    own = load_inspector(recipe, threads=1, changes=changes)
    files = {"a": pack_context(LearnedContext(32, seed=1)), "b": pack_context(LearnedContext(32, seed=2)), "c": b""}
    hashes = [hashlib.sha256(file).hexdigest() if file else "" for file in files.values()]
    specs = {
        name: LineSpec(line=name, class_name="nut", learned_words=sha256)
        for name, sha256 in zip(files, hashes, strict=True)
    }

    def of(name: str, seed: int) -> Part:
        made = part_of(surface(seed, defect=seed > 20), f"{name} {seed}", name, specs[name])
        return replace(made, learned_words=files[name])

    parts = [of(name, 21) for name in files]
    states = [own.build_state([of(name, 0), of(name, 1)], specs[name]) for name in files]
    for known in ([None] * 3, states):
        together = own.inspect(parts, known)
        maps = [finding.pictures["rgb"].map for finding in together]
        # Each line is judged by its own words, as if it were alone.
        for one, state, expected in zip(parts, known, maps, strict=True):
            np.testing.assert_allclose(own.inspect([one], [state])[0].pictures["rgb"].map, expected, atol=1e-5)
        assert not any(np.allclose(maps[i], maps[j], atol=1e-5) for i, j in ((0, 1), (0, 2), (1, 2)))
        readings = [finding.modalities[0].reading for finding in together]
        assert [each.learned_words for each in readings if each] == hashes
        assert [each.level for each in readings if each] == [None, None, PromptLevel.CLASSNAME]
    # A version keeps the words that it was built with, whatever its line says meanwhile.
    (later,) = own.inspect([parts[1]], [states[0]])
    np.testing.assert_allclose(later.pictures["rgb"].map, maps[0], atol=1e-5)
    assert later.modalities[0].reading == states[0].metadata.reading == readings[0]


def test_a_detector_refuses_words_that_it_cannot_read(tiny: Inspector):
    wordless = load_inspector("spgdd", threads=1, changes={"backbone.name": "embedded"})
    for own, width, reason in (
        (tiny, 48, r"context has shape \(4, 48\), expected \(4, 32\)"),
        (wordless, 32, "its backbone cannot read"),
        (load_inspector("embedded", threads=1), 32, "recipe embedded compares nothing with words"),
    ):
        assert isinstance(own, ReadingInspector)
        with pytest.raises(ValueError, match=reason):
            own.check_words(pack_context(LearnedContext(width)))


@pytest.mark.parametrize("recipe", ["spgdd", "samllava"])
def test_before_its_first_version_a_line_is_judged_by_its_own_words(recipe: str):
    changes = {**TINY, "text.class_name": "disc", **({"sam.size": "null"} if recipe == "samllava" else {})}
    own = load_inspector(recipe, threads=1, changes=changes)
    image = surface(21, defect=True)
    specs = {
        "nobody asked": None,
        "nobody said anything": LineSpec(line="l"),
        "its own name": LineSpec(line="l", class_name="nut"),
        "its own flaws": LineSpec(line="l", class_name="nut", defect_words=("with a burr",)),
    }
    parts = [part_of(image, name, "l", spec) for name, spec in specs.items()]
    together = [finding.pictures["rgb"].map for finding in own.inspect(parts, [None] * len(parts))]
    unsaid, default, named, worded = together
    np.testing.assert_array_equal(unsaid, default)
    assert not np.allclose(named, default, atol=1e-6)
    assert not np.allclose(worded, named, atol=1e-6)
    # What the recipe calls them is what a line may call them itself.
    called = part_of(image, "called", "l", LineSpec(line="l", class_name="disc"))
    np.testing.assert_allclose(own.inspect([called], [None])[0].pictures["rgb"].map, default, atol=1e-6)
    # The first version is built by the same words.
    state = own.build_state([part(0), part(1)], LineSpec(line="l"))
    same = own.build_state([part(0), part(1)], LineSpec(line="l", class_name="disc"))
    np.testing.assert_array_equal(state.tensors["rgb.text"], same.tensors["rgb.text"])
