import math

import pytest
import torch

from models.backbones.student import StudentFeatures
from models.ground.anomaly_scale import AnomalyScale, fit_scale
from models.ground.decoder import gather
from models.ground.image_score import image_score
from models.ground.own_contrast import raised_by_own_contrast
from models.memory.feature_memory import Comparison, Difference
from tests.unit.models.tiny_networks import tiny_networks


def seen(count: int = 1) -> StudentFeatures:
    student, _ = tiny_networks()
    torch.manual_seed(7)
    with torch.inference_mode():
        return student(torch.rand(count, 3, 64, 32))


def comparison(features: StudentFeatures, ratio: float) -> Comparison:
    def difference(own: torch.Tensor) -> Difference:
        return Difference(ratio=torch.full(own.shape[-2:], ratio), vector=torch.ones_like(own[0]))

    return Comparison(fine=difference(features.fine), coarse=difference(features.coarse))


def test_the_decoder_draws_a_logit_every_4_px():
    features = seen(2)
    _, decoder = tiny_networks()
    with torch.inference_mode():
        assert decoder(gather(features, [None, None])).shape == (2, 16, 8)


def test_without_a_memory_a_part_is_compared_with_its_own_mean():
    features = seen()
    evidence = gather(features, [None])
    assert torch.allclose(evidence.fine_difference.mean(dim=(2, 3)), torch.zeros(1, 5), atol=1e-5)
    assert float(evidence.fine_scalars[0, 0].max()) == 0  # no ratio to a memory
    assert float(evidence.fine_scalars[0, 2].max()) == 0  # and it says so


def test_with_a_memory_ratios_and_differences_are_the_memorys():
    features = seen()
    evidence = gather(features, [comparison(features, 3.0)])
    assert float(evidence.fine_scalars[0, 0].min()) == pytest.approx(math.log(4))
    assert float(evidence.fine_scalars[0, 2].min()) == 1
    assert float(evidence.coarse_difference.min()) == 1


def test_a_batch_mixes_lines_with_and_without_memory():
    features = seen(2)
    _, decoder = tiny_networks()
    with torch.inference_mode():
        both = decoder(gather(features, [comparison(features[0], 2.0), None]))
        alone = decoder(gather(features[1], [None]))
    assert torch.allclose(both[1], alone[0], atol=1e-5)


def test_without_a_memory_a_place_twice_as_far_from_the_parts_mean_gains_twice_the_log_of_two():
    evidence = gather(seen(), [None])
    evidence.fine_scalars[0, 1] = math.log(2)  # log(1 + ratio): as far as usual
    evidence.coarse_scalars[0, 1] = math.log(2)
    evidence.fine_scalars[0, 1, :, :2] = math.log(3)  # twice as far, left half
    evidence.coarse_scalars[0, 1, :, :1] = math.log(3)
    raised = raised_by_own_contrast(torch.full((1, 16, 8), -1.0), evidence, 0.5)
    assert float(raised[0, 8, 0]) == pytest.approx(-1 + 2 * 0.5 * math.log(2), abs=1e-5)
    assert float(raised[0, 8, -1]) == pytest.approx(-1, abs=1e-5)
    assert torch.equal(raised_by_own_contrast(raised, evidence, 0.0), raised)


def test_a_map_is_zero_at_what_is_usual_and_one_at_a_unit():
    features = seen()
    scale = AnomalyScale(values=torch.tensor([[-4.0, 1.0, 1.0], [2.0, 0.5, 0.5]]).numpy())
    usual = scale(torch.full((16, 8), -4.0), comparison(features, 1.0), 0.5)
    unit = scale(torch.full((16, 8), -2.0), comparison(features, 1.5), 0.5)
    assert float(usual.max()) == 0
    assert float(unit.min()) == float(unit.max()) == pytest.approx(1.0)


def test_the_scale_is_what_one_of_2000_good_places_exceeds():
    features = seen()
    logits = torch.linspace(-10, 0, 16 * 8).reshape(16, 8)
    usual, unit = fit_scale([logits], [comparison(features, 1.0)]).values[:, 0]
    assert usual == pytest.approx(-5.0)
    assert usual + unit == pytest.approx(0.0, abs=0.01)


def test_an_image_scores_by_its_highest_places_never_above_its_peak():
    anomaly = torch.arange(1000.0).reshape(10, 100).numpy()
    assert image_score(anomaly, 0.0) == 999
    assert image_score(anomaly, 0.004) == pytest.approx((999 + 998 + 997 + 996) / 4)
    assert image_score(anomaly, 0.004, most=2) == pytest.approx((999 + 998) / 2)
    assert image_score(anomaly, 0.004, most=9) == pytest.approx((999 + 998 + 997 + 996) / 4)
