"""SYSTEMS part C, row 1: every token backbone keeps one contract, whatever network is behind it."""

import pytest
import torch
from torch import Tensor

from models.backbones.tokens import TokenBackbone
from models.recipes.backbone_settings import BackboneSettings
from models.recipes.token_eye import token_eye

CPU = torch.device("cpu")
BACKBONES = {
    "tiny-clip": BackboneSettings(name="tiny-clip"),
    "tiny-clip, two layers": BackboneSettings(name="tiny-clip", layers=(2, 4)),
    "tiny-clip, another frame": BackboneSettings(name="tiny-clip", frame_px=64),
    "embedded": BackboneSettings(name="embedded", frame_px=64),
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
    assert seen.cls is not None
    assert len(seen.cls) == 4
    assert seen.opinion is None or seen.opinion.shape == (4, places)
    assert backbone.text_layer is None or backbone.text_layer in backbone.dims


def test_an_image_is_seen_alike_alone_and_among_three_others(backbone: TokenBackbone):
    batch = frames(backbone)
    with torch.inference_mode():
        together, alone = backbone.encode(batch), backbone.encode(batch[2:3])
    for layer in backbone.dims:
        torch.testing.assert_close(alone.layers[layer], together[2].layers[layer], rtol=1e-5, atol=1e-5)
