from pathlib import Path

import pytest
import yaml

from models.recipes import load_inspector
from models.recipes.embedded_recipe import EmbeddedRecipe
from models.recipes.recipe import check_files, read_recipe
from wire.errors import ConfigurationError
from wire.inspector import Inspector

SHIPPED = Path(__file__).parents[3] / "models" / "recipes" / "embedded.yaml"


def written(folder: Path, change: dict[str, object]) -> str:
    content = yaml.safe_load(SHIPPED.read_text(encoding="utf-8")) | change
    for section in ("network", "kinds", "kinds_on_depth"):
        if section in content:
            content[section] |= {"weights": str(SHIPPED.parent / content[section]["weights"])}
    path = folder / "own.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return str(path)


def test_the_digest_names_the_recipes_numbers_and_not_its_layout(tmp_path: Path, inspector: Inspector):
    assert inspector.recipe == "embedded"
    assert len(inspector.digest) == 64
    assert load_inspector(written(tmp_path, {})).digest == inspector.digest
    assert load_inspector(written(tmp_path, {"max_pixels": 500_000})).digest != inspector.digest
    assert load_inspector(written(tmp_path, {"revision": 999})).digest != inspector.digest


def test_every_mistake_in_a_recipe_is_named_at_once(tmp_path: Path):
    path = written(tmp_path, {"max_pixels": "many", "surprise": 1, "sensors": {"relative_floor": 0.01}})
    with pytest.raises(ConfigurationError) as raised:
        read_recipe(path)
    problems = "\n".join(raised.value.problems)
    assert f"{path}: max_pixels: " in problems
    assert f"{path}: surprise: " in problems
    assert f"{path}: sensors.zero_shot_sigma: " in problems


def test_a_stride_that_is_no_power_of_two_is_refused(tmp_path: Path):
    content = yaml.safe_load((SHIPPED.parent / "filter_bank.yaml").read_text(encoding="utf-8"))
    for name in ("image_filters", "depth_filters"):
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(content | {name: content[name] | {"stride_px": 6}}), encoding="utf-8")
        with pytest.raises(ConfigurationError, match="stride_px is 6, expected a power of two"):
            read_recipe(str(path))


def test_either_a_network_sees_or_fixed_filters_do(tmp_path: Path):
    filters = yaml.safe_load((SHIPPED.parent / "filter_bank.yaml").read_text(encoding="utf-8"))
    path = written(tmp_path, {"depth_filters": filters["depth_filters"]})
    with pytest.raises(ConfigurationError, match="depth_filters beside a section 'network'"):
        read_recipe(path)
    del filters["depth_memory"]
    (tmp_path / "less.yaml").write_text(yaml.safe_dump(filters), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="depth_memory missing: without a section 'network'"):
        read_recipe(str(tmp_path / "less.yaml"))


def test_an_unknown_recipe_lists_the_shipped_ones():
    with pytest.raises(ConfigurationError, match=r"recipe 'nonsense': .*; shipped recipes: embedded"):
        load_inspector("nonsense")


def test_a_file_that_is_not_yaml_is_refused(tmp_path: Path):
    path = tmp_path / "broken.yaml"
    path.write_text("name: [", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"broken\.yaml"):
        read_recipe(str(path))


def test_an_unknown_device_is_refused():
    with pytest.raises(ConfigurationError, match="device 'warp'"):
        load_inspector("embedded", device="warp")


def test_single_keys_may_be_changed_and_change_the_digest(inspector: Inspector):
    changed = read_recipe("embedded", {"network.decoder_weight": "0.25", "max_pixels": "500000"})
    assert isinstance(changed, EmbeddedRecipe)
    assert changed.network is not None
    assert (changed.network.decoder_weight, changed.max_pixels) == (0.25, 500_000)
    assert load_inspector("embedded", changes={"network.decoder_weight": "0.25"}).digest != inspector.digest


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("surprise", "1", "--set surprise=1: there is no such key; beside it are batch_pixels, "),
        (
            "geometry.trails",
            "1",
            "--set geometry.trails=1: there is no such key; beside it are fit_samples, smoothing_px, trials",
        ),
        ("max_pixels", "many", "--set max_pixels=many: Input should be a valid integer"),
        ("max_pixels.deep", "1", "--set max_pixels.deep=1: max_pixels is a value, not a section"),
        ("kind", "other", "kind: 'other' is none of embedded"),
        ("max_pixels", "{", "--set max_pixels={: "),
    ],
)
def test_a_change_that_makes_no_sense_is_named(key: str, value: str, problem: str):
    with pytest.raises(ConfigurationError) as raised:
        read_recipe("embedded", {key: value})
    assert problem in "\n".join(raised.value.problems)


def test_files_that_are_not_named_or_not_there_are_told_before_anything_is_loaded(tmp_path: Path):
    for recipe, changes, problem in (
        ("spgdd", {}, "backbone ViT-B-16-plus-240: --weights FILE is missing"),
        ("spgdd", {"backbone.weights": "/no/clip.pt"}, "backbone.weights: /no/clip.pt: no such file"),
        ("samllava", {"sam.weights": "/no/sam.pt", "backbone.name": "embedded"}, "sam.weights: /no/sam.pt: no such"),
        ("spgdd", {"backbone.name": "sam-vit_b"}, "backbone sam-vit_b: --weights FILE is missing"),
        (
            "spgdd",
            {"backbone.name": "tiny-clip", "text.learned.weights": "/no/words"},
            "learned.weights: /no/words: no",
        ),
    ):
        settings = read_recipe(recipe, changes)
        with pytest.raises(ConfigurationError, match=problem):
            check_files(recipe, settings)
    for recipe, changes in (
        ("embedded", {}),
        ("spgdd", {"backbone.seed": "0"}),
        ("spgdd", {"backbone.name": "tiny-clip"}),
    ):
        check_files(recipe, read_recipe(recipe, changes))


def test_a_cross_check_of_a_recipe_says_what_to_do_and_no_more():
    with pytest.raises(ConfigurationError) as raised:
        read_recipe("samllava")
    (problem,) = raised.value.problems
    assert problem.endswith(
        "samllava.yaml: sam: size is mobile without weights: name SAM's checkpoint (--set sam.weights=FILE); weights "
        "are read from files and never downloaded"
    )
