"""Checkpoints as they are published, by the names and shapes of their tensors: none of them can be fetched here.

CLIP's names are written out below from its published sizes (SYSTEMS A.2.1, B.7); those of mobile_sam.pt are in
``mobile_sam_tensors.txt``, as MobileSAM's own model makes them; SAM's are compared with segment-anything's own model in
``test_sam.py``.
"""

from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from models.backbones.clip_model import clip_tensors, new_clip
from models.backbones.sam.checkpoint import load_sam
from models.backbones.sam.model import sam_settings
from models.backbones.weights_file import compare_keys

Shapes = dict[str, tuple[int, ...]]


class Tower(NamedTuple):
    """A transformer of CLIP."""

    width: int
    layers: int


class Published(NamedTuple):
    """Sizes of a published CLIP; ``places``: patches and the image token."""

    seeing: Tower
    reading: Tower
    joint: int
    patch_px: int
    places: int

    def tensors(self) -> Shapes:
        """Every name and shape of the checkpoint."""
        seen, read = self.seeing.width, self.reading.width
        return {
            "visual.class_embedding": (seen,),
            "visual.positional_embedding": (self.places, seen),
            "visual.proj": (seen, self.joint),
            "visual.conv1.weight": (seen, 3, self.patch_px, self.patch_px),
            **norm("visual.ln_pre", seen),
            **blocks("visual.transformer", self.seeing),
            **norm("visual.ln_post", seen),
            "token_embedding.weight": (49_408, read),
            "positional_embedding": (77, read),
            **blocks("transformer", self.reading),
            **norm("ln_final", read),
            "text_projection": (read, self.joint),
            "logit_scale": (),
        }


def norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def linear(name: str, before: int, after: int) -> Shapes:
    return {f"{name}.weight": (after, before), f"{name}.bias": (after,)}


def blocks(name: str, tower: Tower) -> Shapes:
    width, found = tower.width, Shapes()
    for block in (f"{name}.resblocks.{number}" for number in range(tower.layers)):
        found |= norm(f"{block}.ln_1", width) | norm(f"{block}.ln_2", width)
        found |= {f"{block}.attn.in_proj_weight": (3 * width, width), f"{block}.attn.in_proj_bias": (3 * width,)}
        found |= linear(f"{block}.attn.out_proj", width, width)
        found |= linear(f"{block}.mlp.c_fc", width, 4 * width) | linear(f"{block}.mlp.c_proj", 4 * width, width)
    return found


PUBLISHED = {
    "ViT-B-16-plus-240": Published(Tower(896, 12), Tower(640, 12), joint=640, patch_px=16, places=226),
    "ViT-B-16": Published(Tower(768, 12), Tower(512, 12), joint=512, patch_px=16, places=197),
    "ViT-L-14": Published(Tower(1024, 24), Tower(768, 12), joint=768, patch_px=14, places=257),
}


def weightless(shapes: Shapes) -> dict[str, Tensor]:
    """Tensors of those shapes that take no memory."""
    return {name: torch.zeros(()).expand(shape) for name, shape in shapes.items()}


@pytest.mark.parametrize("openai", [False, True], ids=["open_clip's", "OpenAI's"])
@pytest.mark.parametrize("name", PUBLISHED)
def test_clips_published_tensors_fit_whole_at_any_frame_and_context(name: str, openai: bool):
    tensors = weightless(PUBLISHED[name].tensors())
    if openai:
        scalars = ("input_resolution", "context_length", "vocab_size")
        tensors |= {scalar: torch.tensor(1) for scalar in scalars} | {"attn_mask": torch.zeros(77, 77)}
    patch_px = PUBLISHED[name].patch_px
    for frame_px, context in ((None, None), (20 * patch_px, 248)):
        with torch.device("meta"):
            model = new_clip(name, frame_px=frame_px, context=context, quick_gelu=openai)
        fitted = clip_tensors(tensors, model)
        assert compare_keys(model, fitted).fits
        if frame_px is not None:
            assert fitted["visual.positional_embedding"].shape == (401, PUBLISHED[name].seeing.width)
            assert fitted["positional_embedding"].shape == (248, PUBLISHED[name].reading.width)


def test_a_tensor_of_another_size_of_clip_is_named():
    with torch.device("meta"):
        model = new_clip("ViT-B-16-plus-240")
    report = compare_keys(model, clip_tensors(weightless(PUBLISHED["ViT-B-16"].tensors()), model))
    assert not report.missing
    assert not report.unexpected
    assert ("visual.proj", (768, 512), (896, 640)) in report.misshapen


def test_a_file_of_mobile_sams_tensors_is_read_whole_but_for_its_unused_classifier(tmp_path: Path):
    lines = (Path(__file__).parent / "mobile_sam_tensors.txt").read_text(encoding="utf-8").splitlines()
    generator, published = torch.Generator().manual_seed(0), dict[str, Tensor]()
    for line in lines:
        name, shape = line.split(" ")
        size = [int(side) for side in shape.split("x") if side]
        published[name] = torch.rand(size, generator=generator) if size else torch.tensor(0)
    assert len(published) == 439
    torch.save(published, tmp_path / "mobile_sam.pt")
    loaded = load_sam(sam_settings("mobile"), tmp_path / "mobile_sam.pt").state_dict()
    assert all(torch.equal(loaded[name], published[name]) for name in loaded)
    unused = {name: tuple(tensor.shape) for name, tensor in published.items() if name not in loaded}
    assert unused == {
        "image_encoder.norm_head.weight": (320,),
        "image_encoder.norm_head.bias": (320,),
        "image_encoder.head.weight": (1000, 320),
        "image_encoder.head.bias": (1000,),
    }
