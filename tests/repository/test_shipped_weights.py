"""The weights that ship: small enough, and the ones that their recipe and their cards name."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.repository.checkout import REPOSITORY, repository_files

RECIPES = REPOSITORY / "models" / "recipes"
LARGEST_BYTES = 16_000_000  # "Weights ≤ 16 MB safetensors in the repository"


def recipe() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((RECIPES / "embedded.yaml").read_text(encoding="utf-8"))
    return read


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_weights_are_of_sixteen_megabytes_at_most() -> None:
    sizes = {
        str(path): (REPOSITORY / path).stat().st_size for path in repository_files() if path.suffix == ".safetensors"
    }
    assert "models/recipes/embedded/weights.safetensors" in sizes
    assert {path: size for path, size in sizes.items() if size > LARGEST_BYTES} == {}


@pytest.mark.parametrize(
    ("section", "card"), [("network", "MODEL_CARD.md"), ("kinds", "KINDS.md"), ("kinds_on_depth", "KINDS_ON_DEPTH.md")]
)
def test_recipe_card_and_file_agree_about_a_hash(section: str, card: str) -> None:
    named = recipe()[section]
    file = RECIPES / named["weights"]
    assert sha256(file) == named["sha256"]
    text = (RECIPES / "embedded" / card).read_text(encoding="utf-8")
    assert f"File `{file.name}`, " in text
    assert text.index(f"sha256 `{named['sha256']}`") < text.index("**What ")
