"""SAM of every size: shapes and counts of the real ones without memory, values of tiny ones against their originals."""

import pytest
import timm.models.tiny_vit
import torch
from segment_anything import sam_model_registry

from models.backbones.sam.model import Sam, SamSize, sam_settings
from models.backbones.sam.tiny_vit import TinyVit
from models.refine.mask_decoder import best, decode
from tests.unit.models.tiny_sam import parameters, pictures, tiny_sam
from wire.errors import ShapeError

TINY: tuple[SamSize, ...] = ("tiny", "tiny_mobile")


@pytest.mark.parametrize(
    ("size", "encoder", "whole"),
    [
        ("vit_b", 89_670_912, 93_735_472),
        ("vit_l", 308_278_272, 312_342_832),
        ("vit_h", 637_026_048, 641_090_608),
        # 9.66 M by MobileSAM's README, which counts 3.88 M for the decoder's 4.06 M.
        ("mobile", 5_743_892, 9_808_452),
    ],
)
def test_every_real_size_embeds_1024_px_as_256_by_64_by_64(size: SamSize, encoder: int, whole: int):
    with torch.device("meta"):
        sam = Sam(sam_settings(size)).eval()
        assert sam.encode(torch.zeros(1, 3, 1024, 1024)).shape == (1, 256, 64, 64)
    assert parameters(sam.image_encoder) == encoder
    assert parameters(sam) == whole
    assert sam.mask_px == 256


@pytest.mark.parametrize("size", ["vit_b", "vit_l", "vit_h"])
def test_tensors_have_the_names_and_shapes_of_segment_anythings_own_model(size: SamSize):
    with torch.device("meta"):
        own, original = Sam(sam_settings(size)), sam_model_registry[size]()
    assert {k: v.shape for k, v in own.state_dict().items()} == {k: v.shape for k, v in original.state_dict().items()}


def test_tensors_have_the_names_and_shapes_of_the_public_mobile_checkpoint():
    with torch.device("meta"):
        tensors = {name: tuple(value.shape) for name, value in Sam(sam_settings("mobile")).state_dict().items()}
    assert len(tensors) == len(set(tensors))
    expected = {
        "image_encoder.patch_embed.seq.0.c.weight": (32, 3, 3, 3),
        "image_encoder.patch_embed.seq.2.bn.running_var": (64,),
        "image_encoder.layers.0.blocks.1.conv2.c.weight": (256, 1, 3, 3),
        "image_encoder.layers.0.downsample.conv1.c.weight": (128, 64, 1, 1),
        "image_encoder.layers.1.blocks.0.attn.attention_biases": (4, 49),
        "image_encoder.layers.2.blocks.5.attn.attention_biases": (5, 196),
        "image_encoder.layers.2.blocks.5.attn.norm.weight": (160,),
        "image_encoder.layers.2.downsample.conv2.c.weight": (320, 1, 3, 3),
        "image_encoder.layers.3.blocks.1.attn.qkv.weight": (960, 320),
        "image_encoder.layers.3.blocks.1.local_conv.c.weight": (320, 1, 3, 3),
        "image_encoder.layers.3.blocks.1.mlp.fc1.weight": (1280, 320),
        "image_encoder.layers.3.blocks.1.mlp.norm.bias": (320,),
        "image_encoder.neck.0.weight": (256, 320, 1, 1),
        "image_encoder.neck.3.bias": (256,),
        "prompt_encoder.mask_downscaling.6.weight": (256, 16, 1, 1),
        "mask_decoder.output_hypernetworks_mlps.3.layers.2.weight": (32, 256),
    }
    assert {name: tensors.get(name) for name in expected} == expected
    assert not [name for name in tensors if "layers.3.downsample" in name or "distances" in name]


def test_tiny_vit_computes_what_timms_does_with_the_same_weights():
    settings = sam_settings("tiny_mobile").tiny_vit
    assert settings is not None
    own = tiny_sam("tiny_mobile").image_encoder
    assert isinstance(own, TinyVit)
    original = timm.models.tiny_vit.TinyVit(
        embed_dims=settings.widths,
        depths=settings.depths,
        num_heads=settings.heads,
        window_sizes=settings.windows,
        drop_path_rate=0.0,
    ).eval()
    original.stages[3].downsample.conv2.conv.stride = (1, 1)  # MobileSAM keeps the grid there
    tensors = {_timm_name(k): v for k, v in own.state_dict().items() if not k.startswith("neck.")}
    missing, unexpected = original.load_state_dict(tensors, strict=False)
    assert unexpected == []
    assert all(name.startswith("head.") for name in missing)
    # 80 px: a grid of 5 is no multiple of the windows of 3, so the filling up is compared, too.
    images = pictures(2, side=80)
    expected = original.stages(original.patch_embed(images))
    seen = own.patch_embed(images)
    for layer in own.layers:
        seen = layer(seen)
    assert seen.shape == (2, 32, 5, 5)
    torch.testing.assert_close(seen, expected, rtol=1e-4, atol=1e-5)


def _timm_name(name: str) -> str:
    name = name.replace("patch_embed.seq.0", "patch_embed.conv1").replace("patch_embed.seq.2", "patch_embed.conv2")
    name = name.replace(".c.", ".conv.")
    if name.startswith("layers."):
        _, index, rest = name.split(".", 2)
        stage = int(index) + 1 if rest.startswith("downsample") else int(index)
        name = f"stages.{stage}.{rest}"
    return name


@pytest.mark.parametrize("size", TINY)
def test_an_embedding_does_not_depend_on_who_shares_the_batch(size: SamSize):
    sam, images = tiny_sam(size), pictures(4)
    together = sam.encode(images)
    assert together.shape == (4, 32, 4, 4)
    for index in range(4):
        torch.testing.assert_close(sam.encode(images[index : index + 1])[0], together[index], rtol=1e-5, atol=1e-5)


def test_another_picture_size_is_refused():
    with pytest.raises(ShapeError, match=r"shape \(1, 3, 64, 48\), SAM expects \(B, 3, 64, 64\)"):
        tiny_sam().encode(torch.zeros(1, 3, 64, 48))


@pytest.mark.parametrize("multimask", [True, False])
def test_decoding_one_picture_is_segment_anythings_own_decoding(multimask: bool):
    sam = tiny_sam()
    embedding = sam.encode(pictures(1))
    sparse, dense = sam.prompt_encoder(points=None, boxes=torch.tensor([[3.0, 5.0, 40.0, 30.0]]), masks=None)
    expected, expected_iou = sam.mask_decoder(
        image_embeddings=embedding,
        image_pe=sam.prompt_encoder.get_dense_pe(),
        sparse_prompt_embeddings=sparse,
        dense_prompt_embeddings=dense,
        multimask_output=multimask,
    )
    masks = decode(sam, embedding, sparse, dense, multimask=multimask)
    assert masks.mid.shape == (1, 3 if multimask else 1, 16, 16)
    assert torch.equal(masks.mid, expected)
    assert torch.equal(masks.iou, expected_iou)


@pytest.mark.parametrize("size", TINY)
def test_many_pictures_decode_as_they_do_alone_and_an_embedding_serves_many_prompts(size: SamSize):
    sam, images = tiny_sam(size), pictures(3)
    boxes = torch.tensor([[3.0, 5.0, 40.0, 30.0], [0.0, 0.0, 63.0, 63.0], [20.0, 30.0, 25.0, 35.0]])
    embedding = sam.encode(images)
    sparse, dense = sam.prompt_encoder(points=None, boxes=boxes, masks=None)
    together = decode(sam, embedding, sparse, dense, multimask=True)
    for index in range(3):
        fresh = sam.encode(images[index : index + 1])
        sparse, dense = sam.prompt_encoder(points=None, boxes=boxes[index : index + 1], masks=None)
        alone = decode(sam, fresh, sparse, dense, multimask=True)
        torch.testing.assert_close(alone.mid[0], together.mid[index], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(alone.iou[0], together.iou[index], rtol=1e-4, atol=1e-5)


def test_the_mask_with_the_highest_predicted_iou_is_taken_and_of_equals_the_first():
    masks = torch.arange(2 * 3).float().view(2, 3, 1, 1)
    iou = torch.tensor([[0.2, 0.9, 0.5], [0.7, 0.1, 0.7]])
    assert best(masks, iou).flatten().tolist() == [1.0, 3.0]
