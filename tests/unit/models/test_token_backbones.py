"""SYSTEMS part C, row 1: every token backbone keeps one contract, whatever network is behind it."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from segment_anything.modeling.image_encoder import get_rel_pos
from torch import Tensor
from torch.nn import functional as F

from models.backbones.sam.checkpoint import load_sam
from models.backbones.sam.model import sam_settings
from models.backbones.sam.tokens import SamTokens
from models.backbones.tokens import TokenBackbone
from models.recipes.backbone_settings import BackboneSettings
from models.recipes.token_eye import token_eye
from models.refine.sam_refiner import sam_mean_std
from tests.unit.models.tiny_sam import tiny_sam
from wire.errors import ConfigurationError

CPU = torch.device("cpu")
BACKBONES = {
    "tiny-clip": BackboneSettings(name="tiny-clip"),
    "tiny-clip, two layers": BackboneSettings(name="tiny-clip", layers=(2, 4)),
    "tiny-clip, another frame": BackboneSettings(name="tiny-clip", frame_px=64),
    "embedded": BackboneSettings(name="embedded", frame_px=64),
    "SAM's ViT": BackboneSettings(name="sam-tiny", layers=(1, 2)),
    "SAM's TinyViT, all stages": BackboneSettings(name="sam-tiny_mobile", layers=(1, 2, 3, 4)),
    "SAM's ViT, another frame": BackboneSettings(name="sam-tiny", frame_px=96),
}


@pytest.fixture(params=BACKBONES)
def backbone(request: pytest.FixtureRequest) -> TokenBackbone:
    return token_eye("spgdd", BACKBONES[request.param], CPU).backbone


def frames(backbone: TokenBackbone) -> Tensor:
    return torch.rand(4, 3, *backbone.profile.frame, generator=torch.Generator().manual_seed(0))


def test_tokens_have_the_shapes_that_the_backbone_states(backbone: TokenBackbone):
    with torch.inference_mode():
        seen = backbone.encode(frames(backbone))
    places = backbone.grid[0] * backbone.grid[1]
    for layers in (seen.layers, seen.remembered):
        assert {layer: tuple(each.shape) for layer, each in layers.items()} == {
            layer: (4, places, width) for layer, width in backbone.dims.items()
        }
    assert seen.grid == backbone.grid
    assert seen.cls is None or len(seen.cls) == 4
    assert seen.opinion is None or seen.opinion.shape == (4, places)
    assert backbone.text_layer is None or backbone.text_layer in backbone.dims


def test_an_image_is_seen_alike_alone_and_among_three_others(backbone: TokenBackbone):
    batch = frames(backbone)
    with torch.inference_mode():
        together, alone = backbone.encode(batch), backbone.encode(batch[2:3])
    for layer in backbone.dims:
        torch.testing.assert_close(alone.layers[layer], together[2].layers[layer], rtol=1e-5, atol=1e-5)


def test_sams_tokens_are_what_its_own_encoder_computes():
    sam, images = tiny_sam("tiny"), frames(SamTokens(tiny_sam("tiny"), device=CPU))
    mean, std = sam_mean_std(CPU)
    with torch.inference_mode():
        found = SamTokens(sam, layers=(1, 2), device=CPU).encode(images)
        encoder = sam.image_encoder
        stream = encoder.blocks[0](encoder.patch_embed((images - mean) / std) + encoder.pos_embed)  # (B, 4, 4, 32)
        embedding = sam.encode((images - mean) / std)
    assert torch.equal(found.layers[1], stream.flatten(1, 2))
    assert torch.equal(found.layers[2], embedding.flatten(2).transpose(1, 2))


def test_a_checkpoint_of_sam_serves_another_picture_size(tmp_path: Path):
    published = dict(tiny_sam("tiny").state_dict())
    file = tmp_path / "sam.safetensors"
    save_file(published, file)
    eye = token_eye("spgdd", BackboneSettings(name="sam-tiny", weights=str(file), frame_px=128), CPU)
    assert eye.backbone.grid == (8, 8)
    larger = load_sam(sam_settings("tiny").model_copy(update={"image_px": 128}), file).state_dict()
    places = published["image_encoder.pos_embed"].permute(0, 3, 1, 2)
    expected = F.interpolate(places, (8, 8), mode="bicubic", antialias=True)
    torch.testing.assert_close(larger["image_encoder.pos_embed"], expected.permute(0, 2, 3, 1))
    # The block that attends over the whole picture knows distances up to 7 instead of 3; the one with windows its own.
    whole, windows = ("image_encoder.blocks.1.attn.rel_pos_h", "image_encoder.blocks.0.attn.rel_pos_h")
    # segment-anything stretches a table that is too short by itself; row i of its answer counts distances from place i.
    stretched = get_rel_pos(8, 8, published[whole])  # (8, 8, d): of distance i - j
    torch.testing.assert_close(get_rel_pos(8, 8, larger[whole]), stretched)
    assert torch.equal(larger[windows], published[windows])
    same = load_sam(sam_settings("tiny"), file).state_dict()
    assert all(torch.equal(same[name], published[name]) for name in published)


def test_sizes_of_sam_that_do_not_exist_are_named():
    for changes, reason in (
        ({"name": "sam-vit_x"}, "'sam-vit_x' is none of sam-vit_b, sam-vit_l, sam-vit_h, sam-mobile"),
        ({"name": "sam-mobile"}, "backbone sam-mobile: --weights FILE is missing"),
        ({"name": "sam-tiny", "frame_px": 100}, "backbone.frame_px: 100, expected a multiple of 16"),
        ({"name": "sam-tiny", "layers": (3,)}, r"backbone.layers: \[3\], expected some of 1 to 2"),
    ):
        with pytest.raises(ConfigurationError, match=reason):
            token_eye("spgdd", BackboneSettings.model_validate(changes), CPU)
