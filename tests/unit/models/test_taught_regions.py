"""Regions get types from the recipe's classifier, and names that people taught by four examples."""

import hashlib
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
import torch
import yaml

from models.kinds.appearance import dims
from models.kinds.kind_network import KindNetwork
from models.kinds.kinds_file import pack_kinds
from models.kinds.lessons import carried_over, lessons_in
from models.kinds.taught import Limits
from models.kinds.vocabulary import DefectType
from models.recipes import load_inspector
from models.recipes.network_weights import student_sha256
from models.synth.line import DefectKind, LineSetting
from tests.unit.models.drawn_parts import LINE, bad_part, good_part, small_line
from tests.unit.models.tiny_networks import STUDENT, written_recipe
from wire.errors import ConfigurationError
from wire.finding import Finding
from wire.inspector import NamingInspector
from wire.lesson import Lesson
from wire.line_state import LineSpec, LineState, TaughtExample, tensors_digest
from wire.part import Part, PointCloud

RGB = ("rgb",)


@pytest.fixture(scope="module")
def naming(tmp_path_factory: pytest.TempPathFactory) -> NamingInspector:
    """Tiny random networks; what it names things is chance, but always the same."""
    return tiny(tmp_path_factory.mktemp("recipe"), "kinds")


def tiny(folder: Path, *sections: str) -> NamingInspector:
    file = written_recipe(folder, decoder_weight=0.0)
    recipe = yaml.safe_load(file.read_text(encoding="utf-8"))
    torch.manual_seed(1)
    network = KindNetwork(dims=dims(STUDENT.fine_dims, STUDENT.coarse_dims), hidden=8, metric_dims=4)
    network.metric = torch.randn(network.metric.shape)
    packed = pack_kinds(
        network,
        temperature=1.0,
        limits=Limits(least=1.0, most=50.0),
        features_sha256=student_sha256(folder / "tiny.safetensors"),
    )
    (folder / "kinds.safetensors").write_bytes(packed)
    sha256 = hashlib.sha256(packed).hexdigest()
    for section in sections:
        recipe[section] = {"weights": "kinds.safetensors", "sha256": sha256, "least_probability": 0.0}
    file.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    inspector = load_inspector(str(file), device="cpu", threads=1)
    assert isinstance(inspector, NamingInspector)
    return inspector


@pytest.fixture(scope="module")
def line() -> LineSetting:
    return small_line(3, "cast")


@pytest.fixture(scope="module")
def known(naming: NamingInspector, line: LineSetting) -> LineState:
    """A state whose threshold is so low that every part is flagged."""
    spec = LineSpec(line=LINE, expected_modalities=RGB, max_vectors=256)
    state = naming.build_state([good_part(line, i, RGB) for i in range(3)], spec)
    metadata = state.metadata.model_copy(update={"manual_thresholds": {"rgb": 0.01}})
    return LineState(metadata=metadata, tensors=state.tensors)


def inspected(naming: NamingInspector, line: LineSetting, number: int, state: LineState) -> Finding:
    return naming.inspect([bad_part(line, number, DefectKind.STAIN, RGB)], [state])[0]


def lessons(
    naming: NamingInspector, line: LineSetting, state: LineState, name: str, numbers: range = range(900, 904)
) -> list[Lesson]:
    """The first region of some bad parts, under a name."""
    found = []
    for number in numbers:
        finding = inspected(naming, line, number, state)
        x0, y0, x1, y1 = finding.regions[0].xyxy_px
        marked = finding.pictures["rgb"].mask
        own = np.zeros_like(marked)
        own[y0:y1, x0:x1] = marked[y0:y1, x0:x1]
        example = TaughtExample(name=name, inspection_id=UUID(int=number), region_index=0, modality="rgb")
        found.append(
            Lesson(example=example, part=bad_part(line, number, DefectKind.STAIN, RGB), own=own, marked=marked)
        )
    return found


def test_every_region_of_an_image_has_a_type_and_a_probability(
    naming: NamingInspector, line: LineSetting, known: LineState
):
    finding = inspected(naming, line, 900, known)
    assert finding.regions
    for region in finding.regions:
        assert region.type in set(DefectType) - {DefectType.UNKNOWN}
        assert region.type_probability is not None
        assert 0 < region.type_probability <= 1
    assert inspected(naming, line, 900, known).regions == finding.regions


def test_three_examples_change_nothing_and_the_fourth_makes_the_class(
    naming: NamingInspector, line: LineSetting, known: LineState
):
    before = inspected(naming, line, 900, known)
    examples = lessons(naming, line, known, "coolant spot")
    three = naming.teach(known, examples[:3], [])
    assert inspected(naming, line, 900, three).regions == before.regions
    four = naming.teach(three, examples[3:], [])
    assert [each.name for each in four.metadata.taught] == ["coolant spot"] * 4
    assert four.metadata.digest == tensors_digest(four.tensors)
    after = inspected(naming, line, 900, four)
    assert after.regions[0].type == "coolant spot"
    assert after.regions[0].type_probability is not None
    assert after.regions[0].type_probability > 0.5
    # Names change nothing of what is found.
    assert [(r.xyxy_px, r.score) for r in after.regions] == [(r.xyxy_px, r.score) for r in before.regions]


def test_teaching_one_by_one_is_teaching_all(naming: NamingInspector, line: LineSetting, known: LineState):
    examples = lessons(naming, line, known, "coolant spot")
    goods = [good_part(line, 50, RGB)]
    at_once = naming.teach(known, examples, goods)
    one_by_one = known
    for example in examples:
        one_by_one = naming.teach(one_by_one, [example], goods)
    assert one_by_one.metadata.digest == at_once.metadata.digest
    assert at_once.tensors["rgb.kind_others"].shape == (4, 4)  # each of four places on one good part


def test_a_region_that_is_named_again_has_its_new_name_and_unknown_forgets_it(
    naming: NamingInspector, line: LineSetting, known: LineState
):
    examples = lessons(naming, line, known, "coolant spot")
    taught = naming.teach(known, examples, [])
    renamed = naming.teach(taught, lessons(naming, line, known, "drip", range(900, 901)), [])
    assert [each.name for each in renamed.metadata.taught] == ["coolant spot"] * 3 + ["drip"]
    assert np.allclose(renamed.tensors["rgb.kind_examples"][3], taught.tensors["rgb.kind_examples"][0])
    forgotten = naming.teach(taught, lessons(naming, line, known, "unknown"), [])
    assert forgotten.metadata.taught == ()
    assert forgotten.tensors["rgb.kind_examples"].shape == (0, 4)
    assert inspected(naming, line, 900, forgotten).regions == inspected(naming, line, 900, known).regions


def test_a_rebuilt_state_keeps_what_was_taught(naming: NamingInspector, line: LineSetting, known: LineState):
    taught = naming.teach(known, lessons(naming, line, known, "coolant spot"), [])
    carried = carried_over(known, taught)
    assert carried.metadata.taught == taught.metadata.taught
    assert set(lessons_in(carried.tensors)) == {"rgb.kind_examples", "rgb.kind_others"}
    assert inspected(naming, line, 900, carried).regions == inspected(naming, line, 900, taught).regions


def test_lessons_that_cannot_be_learned_are_refused(naming: NamingInspector, line: LineSetting, known: LineState):
    (lesson,) = lessons(naming, line, known, "spot", range(900, 901))
    small = Lesson(example=lesson.example, part=lesson.part, own=lesson.own[:8, :8], marked=lesson.marked[:8, :8])
    with pytest.raises(ValueError, match=r"a region of \(8, 8\) px on rgb of \(96, 128\) px"):
        naming.teach(known, [small], [])
    elsewhere = LineState(metadata=known.metadata.model_copy(update={"model_digest": "00"}), tensors=known.tensors)
    with pytest.raises(ValueError, match="was made by another model"):
        naming.teach(elsewhere, [lesson], [])
    fixed = load_inspector("filter_bank", device="cpu", threads=1)
    assert isinstance(fixed, NamingInspector)
    with pytest.raises(
        ValueError,
        match="recipe filter_bank gives regions no types: a class can be taught where the recipe has a section",
    ):
        fixed.teach(known, [lesson], [])


def organised(depth_mm: np.ndarray) -> PointCloud:
    y, x = np.mgrid[: depth_mm.shape[0], : depth_mm.shape[1]].astype(np.float32)
    points = np.stack([x, y, depth_mm], axis=-1).reshape(-1, 3)
    return PointCloud(xyz_mm=np.where(np.isfinite(points[:, 2:]), points, np.nan), grid=depth_mm.shape)


def test_a_recipe_that_knows_kinds_in_depth_gives_regions_there_a_type(line: LineSetting, tmp_path: Path):
    inspector = tiny(tmp_path, "kinds", "kinds_on_depth")
    spec = LineSpec(line=LINE, expected_modalities=("depth",), max_vectors=256)
    built = inspector.build_state([good_part(line, i, ("depth",)) for i in range(3)], spec)
    low = built.metadata.model_copy(update={"manual_thresholds": {"depth": 0.01}})
    state = LineState(metadata=low, tensors=built.tensors)
    (finding,) = inspector.inspect([bad_part(line, 900, DefectKind.DENT, ("depth",))], [state])
    assert finding.regions
    for region in finding.regions:
        assert region.type in set(DefectType) - {DefectType.UNKNOWN}
        assert region.type_probability is not None


def test_kinds_in_depth_alone_are_no_recipe(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="section 'kinds_on_depth' without a section 'kinds'"):
        tiny(tmp_path, "kinds_on_depth")


@pytest.mark.parametrize("modality", ["depth", "scan"])
def test_a_region_of_a_depth_map_or_a_cloud_is_unknown_until_four_examples_name_it(
    naming: NamingInspector, line: LineSetting, modality: str
):
    def seen_in_depth(part: Part) -> Part:
        assert part.depth_mm is not None
        return part if modality == "depth" else replace(part, depth_mm=None, clouds={"scan": organised(part.depth_mm)})

    def bad(number: int) -> Part:
        return seen_in_depth(bad_part(line, number, DefectKind.DENT, ("depth",)))

    goods = [seen_in_depth(good_part(line, i, ("depth",))) for i in range(3)]
    built = naming.build_state(goods, LineSpec(line=LINE, expected_modalities=(modality,), max_vectors=256))
    low = built.metadata.model_copy(update={"manual_thresholds": {modality: 0.01}})
    state = LineState(metadata=low, tensors=built.tensors)
    examples = []
    for number in range(900, 904):
        finding = naming.inspect([bad(number)], [state])[0]
        assert {(region.type, region.type_probability) for region in finding.regions} == {("unknown", None)}
        x0, y0, x1, y1 = finding.regions[0].xyxy_px
        marked = finding.pictures[modality].mask
        own = np.zeros_like(marked)
        own[y0:y1, x0:x1] = marked[y0:y1, x0:x1]
        example = TaughtExample(name="thumb", inspection_id=UUID(int=number), region_index=0, modality=modality)
        examples.append(Lesson(example=example, part=bad(number), own=own, marked=marked))
    taught = naming.teach(state, examples, [])
    assert taught.tensors[f"{modality}.kind_examples"].shape == (4, 4)
    region = naming.inspect([bad(900)], [taught])[0].regions[0]
    assert region.type == "thumb"
    assert region.type_probability is not None
    # Those that are nearest to none of its classes stay without a type: depth has no vocabulary.
    far = LineState(
        metadata=taught.metadata,
        tensors={**taught.tensors, f"{modality}.kind_examples": taught.tensors[f"{modality}.kind_examples"] + 1e6},
    )
    assert {each.type for each in naming.inspect([bad(900)], [far])[0].regions} == {"unknown"}


def test_a_picture_that_is_gone_or_shows_nothing_is_refused_with_what_to_do(
    naming: NamingInspector, line: LineSetting, known: LineState
):
    (lesson,) = lessons(naming, line, known, "spot", range(900, 901))
    in_depth = replace(lesson, example=lesson.example.model_copy(update={"modality": "depth"}))
    with pytest.raises(
        ValueError, match=r"picture 'depth' is not there any more \(pictures: rgb\); name a region of a"
    ):
        naming.teach(known, [in_depth], [])
    empty = np.full(lesson.own.shape, np.nan, np.float32)
    with pytest.raises(ValueError, match=r"nothing can be seen in depth .* name a region of another picture or part"):
        naming.teach(known, [replace(in_depth, part=replace(lesson.part, depth_mm=empty))], [])


def test_kinds_without_a_network_are_no_recipe(tmp_path: Path):
    recipe = yaml.safe_load(Path("models/recipes/filter_bank.yaml").read_text(encoding="utf-8"))
    recipe["kinds"] = {"weights": "kinds.safetensors", "sha256": "00", "least_probability": 0.5}
    file = tmp_path / "strange.yaml"
    file.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="section 'kinds' names what a network sees"):
        load_inspector(str(file))
