from pathlib import Path

import pytest

from lineside.recipe_changes import recipe_changes
from models.evaluate.variants import variants_of


def test_a_file_that_a_key_names_is_found_in_the_present_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mobile_sam.pt").touch()
    (tmp_path / "words.safetensors").touch()
    (tmp_path / "nearest").touch()
    monkeypatch.chdir(tmp_path)
    changed = ["sam.weights=mobile_sam.pt", "sam.trained=beside-the-recipe.safetensors", "memory.match=nearest"]
    assert recipe_changes([*changed, "text.learned.weights=./words.safetensors"], None, Path("mobile_sam.pt")) == {
        "sam.weights": f"{tmp_path}/mobile_sam.pt",
        "sam.trained": "beside-the-recipe.safetensors",
        "memory.match": "nearest",
        "text.learned.weights": f"{tmp_path}/words.safetensors",
        "backbone.weights": f"{tmp_path}/mobile_sam.pt",
    }


def test_a_file_has_no_part_in_a_name_unless_it_sets_variants_apart() -> None:
    changes = {"backbone.weights": "/models/clip.pt", "sam.size": "mobile"}
    switches = {"sam.trained": ["/runs/full.safetensors", "/runs/no-multi-scale-prompt.safetensors"]}
    assert [each.name for each in variants_of("samllava", changes, switches)] == [
        "samllava(sam.size=mobile)",
        "samllava(sam.size=mobile, sam.trained=full)",
        "samllava(sam.size=mobile, sam.trained=no-multi-scale-prompt)",
    ]
