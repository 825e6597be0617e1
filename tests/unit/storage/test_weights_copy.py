from hashlib import sha256
from pathlib import Path

import pytest

from storage.weights_copy import copy_weights
from wire.errors import ConfigurationError

RECIPE, WEIGHTS = b"name: pressing\n", bytes(range(256))


@pytest.fixture
def store(tmp_path: Path) -> str:
    folder = tmp_path / "store"
    folder.mkdir()
    (folder / "recipe.yaml").write_bytes(RECIPE)
    (folder / "weights.safetensors").write_bytes(WEIGHTS)
    return f"file://{folder}"


def test_files_with_the_right_sum_are_copied_once(store: str, tmp_path: Path) -> None:
    sums = {"recipe.yaml": sha256(RECIPE).hexdigest(), "weights.safetensors": sha256(WEIGHTS).hexdigest()}
    told: list[str] = []

    copy_weights(store, tmp_path / "weights", sums)
    copy_weights(store, tmp_path / "weights", sums, progress=told.append)

    assert (tmp_path / "weights" / "weights.safetensors").read_bytes() == WEIGHTS
    assert told == ["recipe.yaml is there", "weights.safetensors is there"]


def test_every_wrong_file_is_named_and_none_of_them_is_written(store: str, tmp_path: Path) -> None:
    sums = {"recipe.yaml": "0" * 64, "weights.safetensors": sha256(WEIGHTS).hexdigest(), "more.bin": "1" * 64}

    with pytest.raises(ConfigurationError) as raised:
        copy_weights(store, tmp_path / "weights", sums)

    assert f"recipe.yaml has sha256 {sha256(RECIPE).hexdigest()}, expected {'0' * 64}" in raised.value.problems[0]
    assert "has no object 'more.bin'" in raised.value.problems[1]
    assert [path.name for path in (tmp_path / "weights").iterdir()] == ["weights.safetensors"]
