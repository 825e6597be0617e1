"""SYSTEMS part C, rows 10 and 14, and A.6 Q1, Q8, Q9: the map of words, and its fusion with the memory's."""

import math

import pytest
import torch
from torch.nn import functional as F

from models.ground.contrast import contrast_heat
from models.ground.map_fusion import Fusion, fused_map, layer_mean
from models.ground.text_delta import Metric, Norm, delta_map, text_delta, text_probability
from wire.errors import ShapeError


def unit(*shape: int, seed: int = 0) -> torch.Tensor:
    return F.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


Z, NORMAL, ABNORMAL = unit(7, 5), unit(5, seed=1), unit(5, seed=2)


def test_distances_and_cosines_of_unit_vectors_decide_alike():
    d_n, d_a = (Z - NORMAL).norm(dim=1), (Z - ABNORMAL).norm(dim=1)
    torch.testing.assert_close(d_n**2 - d_a**2, 2 * (Z @ ABNORMAL - Z @ NORMAL))
    delta, cosine = text_delta(Z, NORMAL, ABNORMAL), text_delta(Z, NORMAL, ABNORMAL, metric=Metric.COSINE)
    torch.testing.assert_close(delta, d_n - d_a)
    assert torch.equal(delta > 0, cosine > 0)


def test_swapped_texts_negate_the_map():
    torch.testing.assert_close(text_delta(Z, NORMAL, ABNORMAL), -text_delta(Z, ABNORMAL, NORMAL))


def test_a_longer_token_says_the_same_by_its_length_and_not_by_its_squared_length():
    torch.testing.assert_close(text_delta(10 * Z, NORMAL, ABNORMAL), text_delta(Z, NORMAL, ABNORMAL))
    literal = [text_delta(z, NORMAL, ABNORMAL, norm=Norm.SQUARED) for z in (10 * Z, Z)]
    assert not torch.allclose(literal[0], literal[1], atol=0.01)
    torch.testing.assert_close(literal[1], text_delta(Z, NORMAL, ABNORMAL))  # the same where length is 1


def test_the_map_lies_between_minus_two_and_two_and_reaches_both():
    pole = torch.tensor([1.0, 0.0])
    tokens = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])
    # By hand: |z + p| - |z - p| of the pole itself 2 - 0, of its opposite 0 - 2, of a right angle 0.
    assert text_delta(tokens, -pole, pole).tolist() == pytest.approx([2, -2, 0], abs=2e-6)


def test_the_map_of_a_batch_is_made_of_its_channels_and_not_of_its_tokens():
    batch = torch.stack([Z, Z.flip(0)])
    found = text_delta(batch, NORMAL, ABNORMAL)
    assert found.shape == (2, 7)
    torch.testing.assert_close(found[0], found[1].flip(0))


@pytest.mark.parametrize("metric", list(Metric))
def test_each_picture_of_a_batch_may_have_words_of_its_own(metric: Metric):
    batch, normals, abnormals = unit(3, 7, 5), unit(3, 5, seed=6), unit(3, 5, seed=7)
    together = text_delta(batch, normals, abnormals, metric=metric)
    cls = unit(3, 5, seed=8)
    shares = text_probability(cls, normals[:, None], abnormals[:, None], temperature=10)
    for index in range(3):
        own = normals[index], abnormals[index]
        torch.testing.assert_close(together[index], text_delta(batch[index], *own, metric=metric))
        alone = text_probability(cls[index : index + 1], *(each[None] for each in own), temperature=10)
        torch.testing.assert_close(shares[index : index + 1], alone)
        heat = contrast_heat(batch, normals, abnormals, logit_scale=10)[index]
        torch.testing.assert_close(heat, contrast_heat(batch[index], *own, logit_scale=10))


def test_widths_that_differ_are_refused():
    with pytest.raises(ShapeError, match="tokens have 5 channels, texts 4 and 5"):
        text_delta(Z, NORMAL[:4], ABNORMAL)


def test_delta_becomes_a_share_that_rises():
    shares = delta_map(torch.tensor([-2.0, 0.0, 0.05, 2.0]), 0.05)
    assert shares[1] == 0.5
    assert float(shares[2]) == pytest.approx(1 / (1 + math.exp(-1)))
    assert (shares[1:] > shares[:-1]).all()


def test_image_probabilities_sum_to_one_over_all_texts_and_feel_the_temperature():
    cls, normal, abnormal = unit(3, 5, seed=3), unit(2, 5, seed=4), unit(4, 5, seed=5)
    bad = text_probability(cls, normal, abnormal, temperature=100)
    good = text_probability(cls, abnormal, normal, temperature=100)
    torch.testing.assert_close(bad + good, torch.ones(3))
    # The public code multiplies by the log scale, 4.6 instead of 100: hardly anything differs then.
    flat = text_probability(cls, normal, abnormal, temperature=math.log(100))
    assert ((flat - 4 / 6).abs() < (bad - 4 / 6).abs()).all()


@pytest.mark.parametrize("fusion", list(Fusion))
def test_every_fusion_rises_with_each_of_its_maps(fusion: Fusion):
    grid = torch.linspace(0, 1, 11)
    memory, words = torch.meshgrid(grid, grid, indexing="ij")
    found = fused_map(memory, words, fusion)
    assert found.min() >= 0
    assert found.max() <= 1
    assert (found[1:] - found[:-1] >= -1e-6).all()
    assert (found[:, 1:] - found[:, :-1] >= -1e-6).all()


def test_each_fusion_by_hand():
    memory, words = torch.tensor([0.2, 0.5, 0.9]), torch.tensor([0.6, 0.5, 0.1])
    assert fused_map(memory, words, Fusion.PRODUCT).tolist() == pytest.approx([0.12, 0.25, 0.09])
    harmonic = fused_map(memory, words, Fusion.HARMONIC)
    assert harmonic.tolist() == pytest.approx([0.15, 0.25, 0.09])
    assert (harmonic <= torch.minimum(memory, words)).all()
    assert torch.equal(fused_map(memory, words, Fusion.REPLACE), memory)
    assert torch.equal(fused_map(memory, words, Fusion.TEXT), words)
    assert torch.equal(fused_map(memory, torch.ones(3), Fusion.PRODUCT), memory)


def test_a_known_defect_stays_the_peak_in_every_fusion():
    memory, words = torch.full((9,), 0.2), torch.full((9,), 0.4)
    memory[5], words[5] = 0.8, 0.7
    for fusion in Fusion:
        assert int(fused_map(memory, words, fusion).argmax()) == 5


def test_layers_are_averaged_and_halved():
    assert layer_mean(torch.tensor([[0.0, 2.0], [1.0, 2.0], [2.0, 2.0]])).tolist() == [0.5, 1.0]
