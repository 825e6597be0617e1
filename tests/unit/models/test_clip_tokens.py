"""SYSTEMS part C, rows 1 to 4 and A.6 Q4, Q5: tokens of open_clip's ViTs, and their value-value attention."""

import math

import open_clip
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from models.backbones.clip_model import TINY_CLIP, clip_config, new_clip, random_clip
from models.backbones.clip_tokens import ClipTokens, MemorySource
from models.backbones.layer_choice import usual_layers
from models.backbones.vv_attention import VvMode, value_attention
from models.backbones.weights_file import frozen, parameters_sha256
from wire.errors import ConfigurationError, ShapeError

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def model() -> open_clip.CLIP:
    found = random_clip(TINY_CLIP, 3)
    frozen(found, CPU)
    return found


@pytest.fixture(scope="module")
def frames() -> Tensor:
    return torch.rand(4, 3, 48, 48, generator=torch.Generator().manual_seed(0))


def tokens(model: open_clip.CLIP, mode: VvMode, **more: object) -> ClipTokens:
    return ClipTokens(model, vv_mode=mode, device=CPU, **more)  # type: ignore[arg-type]


def streams(model: open_clip.CLIP, frames: Tensor) -> list[Tensor]:
    """X_0 … X_4 by a forward of our own over open_clip's blocks."""
    mean, std = torch.tensor(open_clip.OPENAI_DATASET_MEAN), torch.tensor(open_clip.OPENAI_DATASET_STD)
    found = [model.visual._embeds((frames - mean.view(3, 1, 1)) / std.view(3, 1, 1))]
    for block in model.visual.transformer.resblocks:
        found.append(block(found[-1]))
    return found


def projected(model: open_clip.CLIP, stream: Tensor) -> Tensor:
    return model.visual.ln_post(stream[:, 1:]) @ model.visual.proj


def test_a_hook_of_layer_l_gives_what_a_forward_to_block_l_gives(model: open_clip.CLIP, frames: Tensor):
    features = tokens(model, VvMode.NONE, layers=(1, 2, 3, 4)).encode(frames)
    manual = streams(model, frames)
    for layer in (1, 2, 3):
        assert torch.equal(features.layers[layer], manual[layer][:, 1:])
    assert torch.equal(features.layers[4], projected(model, manual[4]))
    assert features.grid == (6, 6)


@pytest.mark.parametrize("mode", list(VvMode))
def test_an_image_is_seen_alike_alone_and_in_a_batch(model: open_clip.CLIP, frames: Tensor, mode: VvMode):
    backbone = tokens(model, mode)
    together = backbone.encode(frames)
    for index in range(4):
        alone = backbone.encode(frames[index : index + 1])
        for layer, dim in backbone.dims.items():
            assert alone.layers[layer].shape == (1, 36, dim)
            torch.testing.assert_close(alone.layers[layer], together[index].layers[layer], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("mode", list(VvMode))
def test_the_image_token_is_open_clips_own_bit_by_bit_in_every_mode(
    model: open_clip.CLIP, frames: Tensor, mode: VvMode
):
    cls = tokens(model, mode).encode(frames).cls
    mean, std = torch.tensor(open_clip.OPENAI_DATASET_MEAN), torch.tensor(open_clip.OPENAI_DATASET_STD)
    assert cls is not None
    assert torch.equal(cls, model.encode_image((frames - mean.view(3, 1, 1)) / std.view(3, 1, 1)))


def test_value_attention_is_the_papers_formula_head_by_head(model: open_clip.CLIP, frames: Tensor):
    block, stream = model.visual.transformer.resblocks[1], streams(model, frames)[1]
    values = F.linear(block.ln_1(stream), block.attn.in_proj_weight[64:], block.attn.in_proj_bias[64:])
    heads = []
    for head in (values[..., :16], values[..., 16:]):
        weights = torch.softmax(head @ head.transpose(1, 2) / math.sqrt(16), dim=-1)
        torch.testing.assert_close(weights.sum(-1), torch.ones(4, 37))  # every row is a mean of values
        heads.append(weights @ head)
    expected = block.attn.out_proj(torch.cat(heads, dim=-1))
    torch.testing.assert_close(value_attention(block, stream), expected, atol=1e-5, rtol=1e-5)


def test_identical_tokens_become_their_own_projected_value(model: open_clip.CLIP):
    block = model.visual.transformer.resblocks[0]
    stream = torch.randn(1, 1, 32, generator=torch.Generator().manual_seed(1)).expand(1, 37, 32)
    value = F.linear(block.ln_1(stream), block.attn.in_proj_weight[64:], block.attn.in_proj_bias[64:])
    torch.testing.assert_close(value_attention(block, stream), block.attn.out_proj(value), atol=1e-5, rtol=1e-5)


def test_literal_is_enhanced_with_the_residual_and_surgery_of_one_layer(model: open_clip.CLIP, frames: Tensor):
    before = streams(model, frames)
    some = (1, 3)
    enhanced, literal, surgery = (
        tokens(model, mode, layers=some).encode(frames).layers
        for mode in (VvMode.ENHANCED, VvMode.LITERAL, VvMode.SURGERY)
    )
    for layer in some:
        torch.testing.assert_close(enhanced[layer] + before[layer - 1][:, 1:], literal[layer], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(surgery[1], literal[1], atol=1e-6, rtol=1e-6)
    assert not torch.allclose(surgery[3], literal[3], atol=1e-3)


def test_surgery_accumulates_over_all_layers_from_the_embeddings_on(model: open_clip.CLIP, frames: Tensor):
    before, stream = streams(model, frames), None
    for layer, block in enumerate(model.visual.transformer.resblocks):
        stream = (before[0] if stream is None else stream) + value_attention(block, before[layer])
    found = tokens(model, VvMode.SURGERY, layers=(4,)).encode(frames).layers[4]
    assert stream is not None
    torch.testing.assert_close(found, projected(model, stream), atol=1e-5, rtol=1e-5)


def test_maskclip_is_the_block_whose_tokens_listen_to_themselves_alone(model: open_clip.CLIP, frames: Tensor):
    before = streams(model, frames)
    found = tokens(model, VvMode.MASKCLIP, layers=(2, 4)).encode(frames).layers
    block = model.visual.transformer.resblocks[1]
    alone = before[1].reshape(-1, 1, 32)  # every token a sequence of its own: its only attention is to itself
    torch.testing.assert_close(found[2], block(alone).view(4, 37, 32)[:, 1:], atol=1e-5, rtol=1e-5)
    last = model.visual.transformer.resblocks[3](before[3].reshape(-1, 1, 32)).view(4, 37, 32)
    torch.testing.assert_close(found[4], projected(model, last), atol=1e-5, rtol=1e-5)


def test_enhanced_layers_do_not_see_the_residual_of_their_block_given_its_values(model: open_clip.CLIP, frames: Tensor):
    # LN1 maps x and 3 x + 5 to the same values: the residual input differs, V does not.
    block, stream = model.visual.transformer.resblocks[2], streams(model, frames)[2]
    torch.testing.assert_close(
        value_attention(block, stream), value_attention(block, 3 * stream + 5), atol=1e-3, rtol=1e-3
    )


def test_only_hooked_blocks_are_computed_a_second_time(model: open_clip.CLIP, frames: Tensor):
    calls: list[int] = []
    handles = [
        block.attn.out_proj.register_forward_hook(lambda *_, at=number: calls.append(at))
        for number, block in enumerate(model.visual.transformer.resblocks, start=1)
    ]
    tokens(model, VvMode.ENHANCED, layers=(1, 4)).encode(frames)
    for handle in handles:
        handle.remove()
    # torch's own attention does not call out_proj as a module, so these are the value-value passes alone.
    assert calls == [1, 4]


def test_the_wrapper_leaves_no_hook_behind_even_if_the_forward_fails(model: open_clip.CLIP, frames: Tensor):
    backbone = tokens(model, VvMode.ENHANCED)
    backbone.encode(frames)
    with pytest.raises(RuntimeError):
        backbone.encode(frames.to(torch.float64))
    for block in model.visual.transformer.resblocks:
        assert not block._forward_hooks
        assert not block._forward_pre_hooks


def test_a_memory_may_keep_the_ordinary_stream(model: open_clip.CLIP, frames: Tensor):
    ordinary = tokens(model, VvMode.NONE).encode(frames)
    mixed = tokens(model, VvMode.ENHANCED, memory_source=MemorySource.ORDINARY).encode(frames)
    own = tokens(model, VvMode.ENHANCED).encode(frames)
    for layer in (1, 3, 4):
        assert torch.equal(mixed.remembered[layer], ordinary.layers[layer])
        assert torch.equal(mixed.layers[layer], own.layers[layer])
        assert own.remembered[layer] is own.layers[layer]


def test_looking_changes_no_weight_and_leaves_no_gradient(model: open_clip.CLIP, frames: Tensor):
    before = parameters_sha256(model)
    features = tokens(model, VvMode.ENHANCED).encode(frames)
    assert not features.layers[4].requires_grad
    assert parameters_sha256(model) == before


def test_the_real_model_has_the_published_sizes():
    with torch.device("meta"):
        model = new_clip("ViT-B-16-plus-240")
    seeing = sum(each.numel() for each in model.visual.parameters())
    assert round(seeing / 1e6, 1) == 117.2
    assert round((sum(each.numel() for each in model.parameters()) - seeing) / 1e6, 1) == 91.2
    backbone = ClipTokens(model, vv_mode=VvMode.ENHANCED, device=torch.device("meta"))
    features = backbone.encode(torch.zeros(2, 3, 240, 240, device="meta"))
    assert {layer: tuple(each.shape) for layer, each in features.layers.items()} == {
        3: (2, 225, 896),
        8: (2, 225, 896),
        12: (2, 225, 640),
    }
    assert features.cls is not None
    assert features.cls.shape == (2, 640)
    assert (backbone.text_layer, backbone.grid) == (12, (15, 15))


@pytest.mark.parametrize(
    ("name", "grid", "width", "joint"), [("ViT-B-16", (14, 14), 768, 512), ("ViT-L-14", (16, 16), 1024, 768)]
)
def test_other_models_of_open_clip_bring_their_own_sizes(name: str, grid: tuple[int, int], width: int, joint: int):
    with torch.device("meta"):
        backbone = ClipTokens(new_clip(name), vv_mode=VvMode.ENHANCED, device=torch.device("meta"))
    assert backbone.grid == grid
    assert list(backbone.dims.values()) == [width, width, joint]


def test_the_published_layers_are_kept_at_other_depths():
    assert usual_layers(12) == (3, 8, 12)
    assert usual_layers(24) == (6, 16, 24)
    assert usual_layers(2) == (1, 2)


def test_the_same_seed_gives_the_same_weights_and_leaves_torchs_own_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one = random_clip(TINY_CLIP, 1)
    assert torch.equal(torch.rand(1), expected)
    assert parameters_sha256(one) == parameters_sha256(random_clip(TINY_CLIP, 1))
    assert parameters_sha256(one) != parameters_sha256(random_clip(TINY_CLIP, 2))


def test_mistakes_in_names_layers_and_shapes_are_named(model: open_clip.CLIP):
    with pytest.raises(ConfigurationError, match=r"open_clip has no model 'ViT-Z'; there are .*ViT-B-16"):
        clip_config("ViT-Z", None)
    with pytest.raises(ConfigurationError, match=r"coca_ViT-B-32|no plain ViT|not made of"):
        new_clip("coca_ViT-B-32")
    with pytest.raises(ConfigurationError, match=r"backbone.layers: \[3, 9\], expected some of 1 to 4"):
        tokens(model, VvMode.NONE, layers=(3, 9))
    with pytest.raises(ShapeError, match=r"frames have shape \(1, 3, 40, 48\)"):
        tokens(model, VvMode.NONE).encode(torch.zeros(1, 3, 40, 48))
