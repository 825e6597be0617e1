import pickle
from pathlib import Path

import open_clip
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from models.backbones.clip_model import TINY_CLIP, load_clip, random_clip
from models.backbones.weights_file import compare_keys, load_weights, parameters_sha256, read_weights
from wire.errors import ConfigurationError


@pytest.fixture(scope="module")
def tiny() -> open_clip.CLIP:
    return random_clip(TINY_CLIP, 7)


def tensors(model: nn.Module) -> dict[str, Tensor]:
    return {key: value.clone() for key, value in model.state_dict().items()}


@pytest.mark.parametrize("wrap", [lambda t: t, lambda t: {"state_dict": {f"module.{k}": v for k, v in t.items()}}])
def test_weights_come_back_from_safetensors_and_from_torchs_own_files(tmp_path: Path, tiny: open_clip.CLIP, wrap):
    save_file(tensors(tiny), tmp_path / "tiny.safetensors")
    torch.save(wrap(tensors(tiny)), tmp_path / "tiny.pt")
    for name in ("tiny.safetensors", "tiny.pt"):
        assert parameters_sha256(load_clip(TINY_CLIP, tmp_path / name)) == parameters_sha256(tiny)


def test_every_key_that_does_not_fit_is_named_at_once(tmp_path: Path, tiny: open_clip.CLIP):
    wrong = tensors(tiny)
    del wrong["ln_final.bias"]
    wrong["surprise"] = torch.zeros(1)
    wrong["text_projection"] = torch.zeros(3, 5)
    file = tmp_path / "wrong.safetensors"
    save_file(wrong, file)
    with pytest.raises(ConfigurationError) as raised:
        load_clip(TINY_CLIP, file)
    assert raised.value.problems == (
        f"weights {file}: ln_final.bias is missing",
        f"weights {file}: surprise is not expected",
        f"weights {file}: text_projection has shape (3, 5), expected (32, 24)",
    )


def test_a_file_of_another_network_says_so_behind_its_many_keys(tmp_path: Path):
    save_file({f"encoder.{number}": torch.zeros(1) for number in range(20)}, tmp_path / "other.safetensors")
    with pytest.raises(ConfigurationError) as raised:
        load_clip(TINY_CLIP, tmp_path / "other.safetensors")
    last = raised.value.problems[-1]
    assert last.endswith("missing, 20 not expected, 0 of other shape: a file of another network or size?")


def test_a_key_report_says_what_fits():
    layer = nn.Linear(2, 3)
    assert compare_keys(layer, layer.state_dict()).fits
    report = compare_keys(layer, {"weight": torch.zeros(3, 2)})
    assert (report.missing, report.unexpected, report.misshapen, report.fits) == (("bias",), (), (), False)
    with pytest.raises(ConfigurationError, match="bias is missing"):
        load_weights(layer, {"weight": torch.zeros(3, 2)}, Path("x"))


class Code:
    def __reduce__(self):
        return (Path.touch, (Path("executed"),))


def test_a_pickle_that_holds_code_is_refused_and_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"weight": Code()}, tmp_path / "code.pt")
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Code()))
    for name in ("code.pt", "plain.pt"):
        with pytest.raises(ConfigurationError, match=r"would run code\. Convert it to safetensors"):
            read_weights(tmp_path / name)
    assert not (tmp_path / "executed").exists()


def test_what_is_no_file_of_weights_is_said(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="no such file; weights are read from files, never downloaded"):
        read_weights(tmp_path / "absent.pt")
    (tmp_path / "text.safetensors").write_text("hello")
    with pytest.raises(ConfigurationError, match=r"weights .*text.safetensors: "):
        read_weights(tmp_path / "text.safetensors")
    torch.save([torch.zeros(1)], tmp_path / "list.pt")
    with pytest.raises(ConfigurationError, match="holds list, expected tensors by key"):
        read_weights(tmp_path / "list.pt")


def test_positions_are_interpolated_for_another_frame_as_open_clip_does(tmp_path: Path, tiny: open_clip.CLIP):
    file = tmp_path / "tiny.safetensors"
    save_file(tensors(tiny), file)
    larger = load_clip(TINY_CLIP, file, frame_px=64)
    table, own = larger.visual.positional_embedding, tiny.visual.positional_embedding
    assert table.shape == (65, 32)
    assert torch.equal(table[0], own[0])
    grid = own[1:].reshape(1, 6, 6, 32).permute(0, 3, 1, 2)
    expected = nn.functional.interpolate(grid, size=(8, 8), mode="bicubic", antialias=True, align_corners=False)
    torch.testing.assert_close(table[1:], expected.permute(0, 2, 3, 1).reshape(64, 32))


def test_a_longer_context_keeps_the_first_twenty_places_and_spreads_the_others(tmp_path: Path, tiny: open_clip.CLIP):
    file = tmp_path / "tiny.safetensors"
    save_file(tensors(tiny), file)
    longer = load_clip(TINY_CLIP, file, context=248)
    table, own = longer.positional_embedding, tiny.positional_embedding
    assert table.shape == (248, 32)
    assert longer.attn_mask.shape == (248, 248)
    assert torch.equal(table[:20], own[:20])
    # 57 places become 228: four for each.
    assert torch.equal(table[20::4], own[20:])
    torch.testing.assert_close(table[22], (own[20] + own[21]) / 2)
    torch.testing.assert_close(table[25], own[21] * 0.75 + own[22] * 0.25)
    assert torch.equal(load_clip(TINY_CLIP, file, context=40).positional_embedding, own[:40])


def test_openais_archive_is_read_without_calling_its_code(tmp_path: Path, tiny: open_clip.CLIP):
    class Archive(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.arange(6.0).reshape(2, 3))
            self.register_buffer("input_resolution", torch.tensor(48))

        def forward(self, x: Tensor) -> Tensor:
            return x @ self.weight

    with pytest.warns(FutureWarning):
        torch.jit.save(torch.jit.script(Archive()), str(tmp_path / "archive.pt"))
    found = read_weights(tmp_path / "archive.pt")
    assert set(found) == {"weight", "input_resolution"}
    assert found["weight"].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_openais_weights_bring_their_faster_gelu(tmp_path: Path, tiny: open_clip.CLIP):
    scalars = {
        "input_resolution": torch.tensor(48),
        "context_length": torch.tensor(77),
        "vocab_size": torch.tensor(49408),
    }
    save_file({**tensors(tiny), **scalars}, tmp_path / "openai.safetensors")
    model = load_clip(TINY_CLIP, tmp_path / "openai.safetensors")
    assert type(model.visual.transformer.resblocks[0].mlp.gelu).__name__ == "QuickGELU"
    assert type(tiny.visual.transformer.resblocks[0].mlp.gelu).__name__ == "GELU"
