"""From an image and its coarse mask to a fine one in the image's own pixels (SYSTEMS C 5, 21-23)."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from models.backbones.profile_presets import sam_profile
from models.backbones.sam.checkpoint import load_sam
from models.backbones.sam.model import sam_settings
from models.refine.prompts import PromptKind
from models.refine.sam_refiner import RefinerSettings, SamRefiner, in_frame, normalised
from models.refine.segmenter import Segmenter, SegmenterSettings
from tests.unit.models.tiny_sam import tiny_sam
from wire.errors import ConfigurationError

CPU = torch.device("cpu")


def refiner(prompt: PromptKind = "mask", *, batch: int = 8, multimask: bool = True) -> SamRefiner:
    torch.manual_seed(0)
    segmenter = Segmenter(sam_settings("tiny"), SegmenterSettings(multiscale_prompt=True, multiscale_decoder=True))
    settings = RefinerSettings(prompt=prompt, points=3, batch=batch, multimask=multimask)
    return SamRefiner(segmenter, settings, CPU)


def image(height: int, width: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).random((height, width, 3)).astype(np.float32)


def rectangle(height: int, width: int) -> NDArray[np.bool_]:
    mask = np.zeros((height, width), np.bool_)
    mask[height // 4 : height // 2, width // 3 : width - width // 5] = True
    return mask


@pytest.mark.parametrize("size", [(1024, 1024), (1000, 733), (481, 1277), (2047, 999), (300, 200)])
def test_a_mask_comes_back_from_sams_square_where_it_was(size: tuple[int, int]):
    mask = rectangle(*size)
    placement = sam_profile(1024).placement(*size)
    back = placement.to_camera(in_frame(mask, placement).astype(np.float32)) > 0.5
    assert (back & mask).sum() / (back | mask).sum() > 0.98


def test_a_scratch_of_one_pixel_is_still_there_when_the_frame_is_smaller():
    mask = np.zeros((2000, 3000), np.bool_)
    mask[700, 200:2400] = True
    placement = sam_profile(64).placement(2000, 3000)
    assert np.count_nonzero(in_frame(mask, placement)) == 48  # columns 4 to 51: 200 to 2399 times 64 / 3000


def test_padding_is_zero_after_the_norm_as_in_sam():
    prepared = sam_profile(8).frame_of(np.ones((4, 8, 3), np.float32))
    mean, std = torch.tensor([0.5, 0.25, 0.0]).view(3, 1, 1), torch.tensor([0.5, 0.25, 1.0]).view(3, 1, 1)
    frames = normalised(torch.from_numpy(prepared.pixels)[None], [prepared.placement], mean, std)
    assert frames[0, :, 0, 0].tolist() == [1.0, 3.0, 1.0]
    assert frames[0, :, 4:].abs().max() == 0


@pytest.mark.parametrize("prompt", ["mask", "box", "points"])
def test_every_prompt_gives_a_probability_per_pixel_and_how_well_it_fits(prompt: PromptKind):
    fine = refiner(prompt).refine([image(50, 90)], [rectangle(50, 90)])[0]
    assert fine is not None
    assert fine.probability.shape == (50, 90)
    assert fine.probability.dtype == np.float32
    assert 0 <= float(fine.probability.min()) <= float(fine.probability.max()) <= 1
    assert np.isfinite(fine.iou)


def test_an_empty_coarse_mask_never_reaches_sam():
    own = refiner()
    seen: list[int] = []
    own.segmenter.sam.image_encoder.register_forward_hook(lambda _, given, out: seen.append(len(given[0])))
    empty = np.zeros((40, 60), np.bool_)
    assert own.refine([image(40, 60)], [empty]) == [None]
    assert seen == []
    fine = own.refine([image(40, 60, seed) for seed in range(3)], [empty, rectangle(40, 60), empty])
    assert [each is None for each in fine] == [True, False, True]
    assert seen == [1]


def test_an_image_is_refined_alike_alone_and_among_others_of_other_sizes():
    sizes = [(40, 60), (64, 64), (90, 31), (200, 100), (50, 50)]
    images, masks = [image(*size) for size in sizes], [rectangle(*size) for size in sizes]
    together = refiner(batch=2).refine(images, masks)
    for own, mask, fine in zip(images, masks, together, strict=True):
        alone = refiner().refine([own], [mask])[0]
        assert fine is not None
        assert alone is not None
        np.testing.assert_allclose(alone.probability, fine.probability, atol=1e-5)
        assert alone.iou == pytest.approx(fine.iou, abs=1e-5)


def test_weights_come_from_a_file_and_what_does_not_fit_is_named(tmp_path: Path):
    sam, file = tiny_sam("tiny_mobile"), tmp_path / "sam.safetensors"
    tensors = dict(sam.state_dict())
    # As the public mobile checkpoint: the classifier of its pretraining is still in it.
    save_file(tensors | {"image_encoder.head.weight": torch.zeros(2, 2)}, file)
    loaded = load_sam(sam_settings("tiny_mobile"), file)
    assert all(torch.equal(loaded.state_dict()[name], tensor) for name, tensor in tensors.items())
    broken = dict(tensors)
    broken["mask_decoder.iou_token.weight"] = torch.zeros(1, 5)
    del broken["prompt_encoder.no_mask_embed.weight"]
    broken["image_encoder.strange"] = torch.zeros(1)
    save_file(broken, file)
    with pytest.raises(ConfigurationError) as error:
        load_sam(sam_settings("tiny_mobile"), file)
    assert len(error.value.problems) == 3
    assert "prompt_encoder.no_mask_embed.weight is missing" in str(error.value)
    assert "image_encoder.strange is not expected" in str(error.value)
    assert "mask_decoder.iou_token.weight has shape (1, 5), expected (1, 32)" in str(error.value)
