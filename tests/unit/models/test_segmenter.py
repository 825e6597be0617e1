"""Prompts for SAM, SAM-LLaVA's two additions, and their training (SYSTEMS C 21-26)."""

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from models.backbones.sam.model import sam_settings
from models.refine.mask_decoder import Masks
from models.refine.multiscale_prompt import MultiScalePrompt
from models.refine.prompts import box_of, mask_logits, points_in
from models.refine.segmenter import Prompt, Segmenter, SegmenterSettings
from models.train.mask_loss import SCALE_WEIGHTS, dice_loss, focal_loss, mask_loss, resized_truth
from tests.unit.models.tiny_sam import parameters, pictures
from wire.errors import ShapeError

SIDE = 64


def segmenter(*, prompt: bool = True, decoder: bool = True, seed: int = 0) -> Segmenter:
    torch.manual_seed(seed)
    settings = SegmenterSettings(multiscale_prompt=prompt, multiscale_decoder=decoder, prompt_width=4)
    return Segmenter(sam_settings("tiny"), settings).eval()


def disc(row: int = 20, column: int = 40, radius: int = 9) -> np.ndarray:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return (rows - row) ** 2 + (columns - column) ** 2 <= radius**2


def as_prompt(*masks: np.ndarray) -> Prompt:
    return Prompt(masks=torch.from_numpy(np.stack([mask_logits(mask, 16) for mask in masks]))[:, None])


def moved_prompt(width: int = 2, channels: int = 5, seed: int = 0) -> MultiScalePrompt:
    """One that is no longer zero."""
    torch.manual_seed(seed)
    prompt = MultiScalePrompt(channels, width=width)
    torch.nn.init.normal_(prompt.out.weight, std=0.3)
    return prompt


def test_a_mask_prompt_is_logits_of_eight_on_either_side_and_shares_between():
    mask = np.zeros((4, 4), np.bool_)
    mask[0, :] = True
    mask[1, 2] = True
    assert mask_logits(mask, 2).tolist() == [[0.0, 4.0], [-8.0, -8.0]]  # shares 1/2, 3/4, 0, 0


def test_a_real_mask_prompt_becomes_an_embedding_of_256_by_64_by_64():
    with torch.device("meta"):
        real = Segmenter(sam_settings("mobile"), SegmenterSettings(multiscale_prompt=True, multiscale_decoder=True))
        sparse, dense = real.sam.prompt_encoder(points=None, boxes=None, masks=torch.zeros(2, 1, 256, 256))
        assert sparse.shape == (2, 0, 256)
        assert dense.shape == (2, 256, 64, 64)
        assert real.prompt is not None
        assert real.prompt(torch.zeros(2, 1, 256, 256)).shape == (2, 256, 64, 64)
        assert real.prompt.scales(torch.zeros(2, 1, 256, 256)).shape == (2, 48, 256, 256)
        masks = real.train().segment(torch.zeros(2, 256, 64, 64), Prompt(masks=torch.zeros(2, 1, 256, 256)))
    assert masks.low is not None
    assert masks.high is not None
    sides = [scale.shape for scale in (masks.low, masks.mid, masks.high)]
    assert sides == [(2, 3, 64, 64), (2, 3, 256, 256), (2, 3, 512, 512)]


def test_untrained_the_multiscale_prompt_is_plain_sam():
    plain, extended = segmenter(prompt=False), segmenter()
    extended.sam.load_state_dict(plain.sam.state_dict())
    embedding, prompt = plain.encode(pictures(2)), as_prompt(disc(), disc(40, 20, 5))
    assert torch.equal(plain.segment(embedding, prompt).mid, extended.segment(embedding, prompt).mid)


def test_a_constant_mask_gives_each_branch_the_period_of_its_kernel():
    scales = moved_prompt().scales(torch.full((1, 1, 32, 32), 3.0))[0].detach()  # (3 * 2, 32, 32)
    for index, kernel in enumerate((8, 4, 2)):
        branch = scales[2 * index : 2 * index + 2]
        torch.testing.assert_close(branch[:, :-kernel], branch[:, kernel:])
        torch.testing.assert_close(branch[:, :, :-kernel], branch[:, :, kernel:])
        # Not constant: every place within the kernel has a weight of its own.
        assert float(branch[:, :kernel, :kernel].std()) > 1e-3


def test_what_a_branch_sees_grows_with_its_kernel():
    prompt = moved_prompt()
    before, after = torch.zeros(1, 1, 32, 32), torch.zeros(1, 1, 32, 32)
    after[0, 0, 13, 18] = 1
    changed = (prompt.scales(after) != prompt.scales(before))[0].any(dim=0)
    per_branch = [(prompt.scales(after) != prompt.scales(before))[0][2 * i : 2 * i + 2].any(dim=0) for i in range(3)]
    assert [int(branch.sum()) for branch in per_branch] == [64, 16, 4]
    rows, columns = torch.nonzero(per_branch[0], as_tuple=True)
    assert (int(rows.min()), int(rows.max()), int(columns.min()), int(columns.max())) == (8, 15, 16, 23)
    assert int(changed.sum()) == 64


def test_the_gradient_of_the_multiscale_prompt_is_right():
    prompt = moved_prompt(width=1, channels=2).double()
    masks = torch.randn(1, 1, 8, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(prompt, (masks,))


@pytest.mark.parametrize("shape", [(1, 1, 20, 16), (1, 2, 16, 16)])
def test_masks_that_no_kernel_fits_are_refused(shape: tuple[int, ...]):
    with pytest.raises(ShapeError, match=r"expected \(B, 1, H, W\) in multiples of \(8, 4, 2\)"):
        moved_prompt()(torch.zeros(shape))


def test_a_box_is_tight_and_points_lie_inside_the_deepest_first():
    mask = np.zeros((SIDE, SIDE), np.bool_)
    mask[10:31, 20:61] = True
    assert box_of(mask).tolist() == [20, 10, 60, 30]
    points = points_in(mask, 3)
    assert all(mask[int(y), int(x)] for x, y in points)
    assert abs(points[0][1] - 20) <= 1  # on the middle line
    assert np.linalg.norm(points[0] - points[1]) > 15
    assert len(np.unique(points, axis=0)) == 3


def test_a_single_pixel_is_a_box_and_as_many_points_as_are_asked_for():
    mask = np.zeros((8, 8), np.bool_)
    mask[5, 2] = True
    assert box_of(mask).tolist() == [2, 5, 2, 5]
    assert points_in(mask, 3).tolist() == [[2, 5]] * 3


def test_masks_boxes_and_points_have_one_answer_in_shape():
    network = segmenter()
    embedding = network.encode(pictures(2))
    masks = [disc(), disc(40, 20, 5)]
    boxes = torch.from_numpy(np.stack([box_of(mask) for mask in masks]))
    points = torch.from_numpy(np.stack([points_in(mask, 4) for mask in masks]))
    answers = [
        network.segment(embedding, prompt) for prompt in (as_prompt(*masks), Prompt(boxes=boxes), Prompt(points=points))
    ]
    assert {tuple(answer.mid.shape) for answer in answers} == {(2, 3, 16, 16)}
    assert {tuple(answer.iou.shape) for answer in answers} == {(2, 3)}
    assert not torch.equal(answers[0].mid, answers[1].mid)
    assert not torch.equal(answers[1].mid, answers[2].mid)


def test_inference_reads_the_middle_scale_and_needs_no_other():
    network, without = segmenter(), segmenter(decoder=False)
    without.load_state_dict({k: v for k, v in network.state_dict().items() if not k.startswith("heads.")})
    embedding, prompt = network.encode(pictures(2)), as_prompt(disc(), disc(40, 20, 5))
    answer = network.segment(embedding, prompt)
    assert answer.low is None
    assert answer.high is None
    assert torch.equal(answer.mid, without.segment(embedding, prompt).mid)
    assert torch.equal(answer.mid, network.train().segment(embedding, prompt).mid)
    assert parameters(network) > parameters(without)


def test_dice_and_focal_loss_by_hand():
    logits = torch.logit(torch.tensor([[[0.8, 0.4], [0.1, 0.5]]]))
    truth = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    # |p t| = 0.8 + 0.5, |p| = 1.8, |t| = 2, plus one on both sides.
    assert float(dice_loss(logits, truth)) == pytest.approx(1 - 3.6 / 4.8)
    by_hand = [
        0.25 * 0.2**2 * -np.log(0.8),
        0.75 * 0.4**2 * -np.log(0.6),
        0.75 * 0.1**2 * -np.log(0.9),
        0.25 * 0.5**2 * -np.log(0.5),
    ]
    assert float(focal_loss(logits, truth)) == pytest.approx(np.mean(by_hand), rel=1e-5)


def test_focal_loss_without_focus_and_weights_is_cross_entropy():
    logits = torch.randn(3, 5, 7, generator=torch.Generator().manual_seed(0))
    truth = (torch.randn(3, 5, 7, generator=torch.Generator().manual_seed(1)) > 0).float()
    expected = [
        torch.nn.functional.binary_cross_entropy_with_logits(each, wanted)
        for each, wanted in zip(logits, truth, strict=True)
    ]
    torch.testing.assert_close(focal_loss(logits, truth, gamma=0, alpha=None), torch.stack(expected))


def test_a_perfect_mask_costs_nothing_and_an_empty_truth_stays_finite():
    truth = torch.from_numpy(disc()).float()[None]
    sure = (truth * 2 - 1)[:, None] * 20
    assert float(mask_loss(sure, truth)) == pytest.approx(0, abs=1e-6)
    empty = torch.zeros(1, SIDE, SIDE)
    logits = torch.full((1, 1, 16, 16), -20.0, requires_grad=True)
    loss = mask_loss(logits, empty)
    loss.sum().backward()
    assert float(loss.detach()) == pytest.approx(0, abs=1e-6)
    assert logits.grad is not None
    assert bool(torch.isfinite(logits.grad).all())
    assert float(mask_loss(torch.full((1, 1, 16, 16), 20.0), empty)) > 1  # all marked where nothing is


def test_gradients_of_the_losses_are_right():
    logits = torch.randn(2, 3, 3, dtype=torch.float64, requires_grad=True)
    truth = (torch.randn(2, 3, 3) > 0).double()
    assert torch.autograd.gradcheck(lambda x: dice_loss(x, truth), (logits,))
    assert torch.autograd.gradcheck(lambda x: focal_loss(x, truth), (logits,))


@pytest.mark.parametrize("shape", ["disc", "scratch"])
def test_truth_keeps_its_share_of_the_picture_at_every_scale(shape: str):
    truth = np.zeros((1024, 1024), np.uint8)
    if shape == "disc":
        cv2.circle(truth, (300, 700), 130, 1, -1)
    else:
        cv2.line(truth, (50, 80), (900, 411), 1, 4)
    share = float(truth.mean())
    for side in (64, 256, 512, 2048):
        resized = resized_truth(torch.from_numpy(truth).float()[None], side)
        assert resized.shape == (1, side, side)
        assert set(resized.unique().tolist()) == {0.0, 1.0}
        assert float(resized.mean()) == pytest.approx(share, rel=0.05)


def test_the_smallest_defect_is_never_lost_and_the_right_place_is_kept():
    truth = torch.zeros(1, 64, 64)
    truth[0, 33, 7] = 1
    small = resized_truth(truth, 8)
    assert torch.nonzero(small).tolist() == [[0, 4, 0]]


@pytest.mark.slow
def test_the_mask_follows_the_prompt_after_one_batch_was_learned():
    network = segmenter().train()
    for parameter in network.sam.image_encoder.parameters():
        parameter.requires_grad_(requires_grad=False)
    masks = [disc(), disc(45, 18, 7)]
    truth = torch.from_numpy(np.stack(masks)).float()
    # The same picture twice: only the prompt says where.
    embedding, prompt = network.encode(pictures(1)).expand(2, -1, -1, -1), as_prompt(*masks)
    optimizer = torch.optim.Adam([p for m in network.trainable() for p in m.parameters()], lr=4e-3)
    for _ in range(70):
        answer = network.segment(embedding, prompt, multimask=False)
        loss = _total(answer, truth)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    network.eval().requires_grad_(requires_grad=False)
    answer = network.segment(embedding, prompt, multimask=False)
    wanted = resized_truth(truth, 16)
    assert float(dice_loss(answer.mid[:, 0], wanted).max()) < 0.05
    swapped = network.segment(embedding, as_prompt(*masks[::-1]), multimask=False)
    assert float(dice_loss(swapped.mid[:, 0], wanted.flip(0)).max()) < 0.05


def _total(answer: Masks, truth: Tensor) -> Tensor:
    assert answer.low is not None
    assert answer.high is not None
    scales = {"low": answer.low, "mid": answer.mid, "high": answer.high}
    return torch.stack([SCALE_WEIGHTS[name] * mask_loss(scale, truth).mean() for name, scale in scales.items()]).sum()
