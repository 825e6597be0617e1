import hashlib
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load, save

from models.ground.decoder import gather
from models.recipes.network_weights import fuse, load_networks, pack_networks
from tests.unit.models.tiny_networks import DECODER, tiny_networks
from wire.errors import ConfigurationError

CPU = torch.device("cpu")


def written(folder: Path, content: bytes) -> tuple[Path, str]:
    file = folder / "weights.safetensors"
    file.write_bytes(content)
    return file, hashlib.sha256(content).hexdigest()


def test_packed_networks_see_the_same_as_before(tmp_path: Path):
    student, decoder = tiny_networks()
    loaded, loaded_decoder = load_networks(*written(tmp_path, pack_networks(student, decoder, DECODER, {})), CPU)
    images = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        before, after = student(images), loaded(images)
        # Half precision keeps three digits.
        assert torch.allclose(before.coarse, after.coarse, atol=0.01)
        assert torch.allclose(decoder(gather(before, [None])), loaded_decoder(gather(after, [None])), atol=0.02)


def test_fusing_batch_norms_changes_nothing_but_rounding():
    student, _ = tiny_networks()
    student.train()(torch.rand(8, 3, 64, 64))  # statistics that are not those of a new network
    student.eval()
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        before = student(images).coarse
        fuse(student)
        assert torch.allclose(before, student(images).coarse, atol=1e-4)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in student.modules())


def test_the_same_networks_make_the_same_bytes():
    assert pack_networks(*tiny_networks(), DECODER, {"a": "1"}) == pack_networks(*tiny_networks(), DECODER, {"a": "1"})


def test_a_file_with_another_hash_is_refused_with_both(tmp_path: Path):
    file, found = written(tmp_path, b"something else")
    with pytest.raises(ConfigurationError, match=f"sha256 is {found}, the recipe says 00ff"):
        load_networks(file, "00ff", CPU)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"none\.safetensors: No such file"):
        load_networks(tmp_path / "none.safetensors", "00ff", CPU)


def test_missing_strange_and_misshapen_tensors_are_all_named(tmp_path: Path):
    packed = pack_networks(*tiny_networks(), DECODER, {})
    tensors = load(packed)
    header = {"student": tiny_networks()[0].settings.model_dump(), "decoder": DECODER.model_dump()}
    del tensors["student.fine_head.bias"]
    tensors["student.extra"] = torch.zeros(1)
    tensors["decoder.fine_in.bias"] = torch.zeros(2)
    with pytest.raises(ConfigurationError) as caught:
        load_networks(*written(tmp_path, save(tensors, {"lineside": json.dumps(header)})), CPU)
    told = "\n".join(caught.value.problems)
    assert "student.fine_head.bias is missing" in told
    assert "student.extra is not expected" in told
    assert "decoder.fine_in.bias has shape (2,), expected (6,)" in told
