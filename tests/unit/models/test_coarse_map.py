"""SAM-LLaVA's coarse stage: contrast, gain, threshold (SYSTEMS C 16-18, Q15, Q16)."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage.filters import threshold_otsu
from torch import Tensor
from torch.nn import functional as F

from models.ground.contrast import contrast_heat
from models.ground.sigmoid_gain import GainForm, SigmoidGain, context_of
from models.ground.threshold import CoarseThreshold, coarse_threshold, otsu
from models.memory.coreset import CoresetSettings
from models.memory.token_bank import TokenBank, build_token_bank, cosine_distances
from wire.errors import ShapeError


def test_contrast_by_hand_and_its_symmetries():
    normal, abnormal = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    tokens = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [-1.0, 0.0]])
    heat = contrast_heat(tokens, normal, abnormal, logit_scale=10)
    # Softmax of (10 cos_a, 10 cos_n): differences of -10, 2, 10 and 10.
    assert heat.tolist() == pytest.approx([1 / (1 + np.exp(-d)) for d in (-10, 2, 10, 10)])
    torch.testing.assert_close(contrast_heat(tokens, abnormal, normal, logit_scale=10), 1 - heat)
    with pytest.raises(ShapeError, match="tokens have 2 channels, texts 3 and 2"):
        contrast_heat(tokens, torch.zeros(3), abnormal)


def good_tokens(seed: int, places: int = 64) -> Tensor:
    """Tokens of a surface of two kinds, with a little noise."""
    generator = torch.Generator().manual_seed(seed)
    kinds = torch.tensor([[1.0, 0, 0, 0, 0, 0], [0.8, 0.6, 0, 0, 0, 0]])
    noise = 0.15 * torch.randn(places, 6, generator=generator)
    return F.normalize(kinds[torch.randint(2, (places,), generator=generator)] + noise, dim=1)


def learned() -> tuple[TokenBank, SigmoidGain, list[Tensor]]:
    references = [{1: good_tokens(seed)} for seed in range(6)]
    bank = build_token_bank(references, CoresetSettings(candidates=999, projected_dims=4, seed=0), max_vectors=999)
    left_out = [
        context_of(cosine_distances({1: own[1][None]}, [bank.without(index)])[0])
        for index, own in enumerate(references)
    ]
    return bank, SigmoidGain.fit(left_out), left_out


def test_good_places_are_damped_and_a_pasted_defect_is_raised():
    bank, gain, left_out = learned()
    fresh = good_tokens(99)
    fresh[17] = torch.tensor([0.0, 0.0, 0.0, 1.0, 0.0, 0.0])
    raised = gain(context_of(cosine_distances({1: fresh[None]}, [bank])[0]))
    usual = torch.cat([raised[:17], raised[18:]])
    assert float(usual.median()) < 1
    assert float(raised[17]) > 1.9
    assert float(raised.min()) > 0
    assert float(raised.max()) <= 2
    assert float(gain(torch.cat(left_out)).mean()) == pytest.approx(1, abs=0.1)


def test_the_printed_sigmoid_suppresses_nothing():
    bank, gain, _ = learned()
    context = context_of(cosine_distances({1: good_tokens(99)[None]}, [bank])[0])
    bare = gain(context, GainForm.SIGMOID)
    assert float(bare.min()) >= 0.5
    assert float(gain(torch.tensor([2.0]), GainForm.SIGMOID)) == pytest.approx(0.8808, abs=1e-4)
    assert torch.equal(gain(context, GainForm.NONE), torch.ones(64))


def test_a_gain_by_hand_and_back_from_a_line_state():
    gain = SigmoidGain.fit([torch.tensor([0.1, 0.3]), torch.tensor([0.2, 0.2])])
    assert gain.mean == pytest.approx(0.2)
    assert gain.spread == pytest.approx(np.sqrt(0.02 / 4))
    assert float(gain(torch.tensor(0.2))) == pytest.approx(1)
    assert float(gain(torch.tensor(0.2 + gain.spread))) == pytest.approx(2 / (1 + np.exp(-1)))
    assert SigmoidGain.from_tensors(gain.tensors("rgb"), "rgb").mean == pytest.approx(gain.mean)
    assert SigmoidGain.fit([torch.tensor([0.5, 0.5])]).spread == pytest.approx(1e-3)  # identical references


def test_context_is_the_mean_of_the_layers():
    assert context_of(torch.tensor([[0.1, 0.2, 0.6], [1.0, 1.0, 1.0]])).tolist() == pytest.approx([0.3, 1.0])


def noise_map(seed: int, *, share: float = 0.0, sigma: float = 0.0) -> NDArray[np.float32]:
    """Gaussian noise of 200 x 200; the first ``share`` of the pixels raised by ``sigma``."""
    values = np.random.default_rng(seed).normal(0, 1, 40_000)
    values[: round(share * 40_000)] += sigma
    return values.reshape(200, 200).astype(np.float32)


@pytest.mark.parametrize("seed", range(4))
def test_otsu_is_scikit_images(seed: int):
    values = noise_map(seed, share=0.3, sigma=4 + seed)
    half_bin = (float(values.max()) - float(values.min())) / 256 / 2
    # scikit-image names the middle of the last bin below, this the edge above it.
    assert otsu(values) == pytest.approx(threshold_otsu(values, nbins=256) + half_bin, abs=1e-4)


def test_on_a_histogram_otsu_marks_what_scikit_image_marks():
    rng = np.random.default_rng(0)
    levels = np.concatenate([rng.normal(60, 10, 3000), rng.normal(180, 15, 1000)]).clip(0, 255).round()
    assert np.array_equal(levels > otsu(levels.astype(np.float32)), levels > threshold_otsu(levels))


def test_two_classes_are_recovered():
    values = noise_map(0, share=0.1, sigma=10)
    marked = values > otsu(values)
    truth = np.arange(40_000).reshape(200, 200) < 4000
    assert (marked & truth).sum() / (marked | truth).sum() > 0.99


def test_why_otsu_alone_will_not_do_for_rare_defects():
    rare = noise_map(0, share=0.01, sigma=6)
    assert float((rare > otsu(rare)).mean()) > 0.4
    assert float((noise_map(1) > otsu(noise_map(1))).mean()) == pytest.approx(0.5, abs=0.02)


def test_with_the_normal_quantile_a_good_part_yields_no_mask_and_a_rare_defect_does():
    level = float(np.quantile(np.stack([noise_map(seed) for seed in range(20)]), 0.9995))
    mode = CoarseThreshold.MAX_OTSU_NORMAL_QUANTILE
    for seed in (50, 51, 52):
        good = noise_map(seed)
        tau = coarse_threshold(good, level, mode)
        assert tau >= otsu(good)
        assert float((good > tau).mean()) <= 0.0005 * 1.5
    rare = noise_map(60, share=0.01, sigma=6)
    marked, truth = rare > coarse_threshold(rare, level, mode), np.arange(40_000).reshape(200, 200) < 400
    assert (marked & truth).sum() / (marked | truth).sum() > 0.65


def test_every_mode_of_the_coarse_threshold():
    values = noise_map(0, share=0.3, sigma=6)
    split = otsu(values)
    by_mode = {mode: coarse_threshold(values, split + 1, mode) for mode in CoarseThreshold}
    assert by_mode[CoarseThreshold.OTSU] == split
    assert by_mode[CoarseThreshold.NORMAL_QUANTILE] == split + 1
    assert by_mode[CoarseThreshold.MAX_OTSU_NORMAL_QUANTILE] == split + 1
    assert coarse_threshold(values, split - 1, CoarseThreshold.MAX_OTSU_NORMAL_QUANTILE) == split
