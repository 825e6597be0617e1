import pytest

from models.fuse.judgement import Judgement, judge_remembered, judge_zero_shot
from models.fuse.verdict import fuse, rate_per_modality
from models.memory.calibration import calibrate
from wire.finding import Mode, Verdict


def judgement(modality: str, deviation: float, limit: float, *, votes: bool = True) -> Judgement:
    return Judgement(
        modality=modality, mode=Mode.MEMORY, score=deviation, threshold=limit, deviation=deviation,
        deviation_threshold=limit, votes=votes,
    )  # fmt: skip


def test_the_rate_is_split_so_that_independent_modalities_keep_it_together():
    assert rate_per_modality(0.01, 1) == pytest.approx(0.01)
    assert rate_per_modality(0.19, 2) == pytest.approx(0.1)  # 1 - 0.9^2
    assert rate_per_modality(0.271, 3) == pytest.approx(0.1)  # 1 - 0.9^3


def test_one_modality_over_its_threshold_makes_the_part_defective():
    fused = fuse([judgement("rgb", 2.0, 4.0), judgement("depth", 3.5, 3.0), judgement("sensor", 3.9, 4.0)])
    assert (fused.verdict, fused.score, fused.threshold) == (Verdict.DEFECT, 3.5, 3.0)


def test_without_one_the_nearest_to_its_threshold_speaks():
    fused = fuse([judgement("rgb", 2.0, 4.0), judgement("depth", 1.0, 3.5), judgement("sensor", 3.9, 4.0)])
    assert (fused.verdict, fused.score, fused.threshold) == (Verdict.OK, 3.9, 4.0)


def test_a_modality_without_a_vote_changes_nothing():
    fused = fuse([judgement("rgb", 2.0, 4.0), judgement("new camera", 99.0, 45.0, votes=False)])
    assert (fused.verdict, fused.score) == (Verdict.OK, 2.0)


def test_nothing_judged_is_unknown():
    fused = fuse([])
    assert (fused.verdict, fused.score, fused.threshold) == (Verdict.UNKNOWN, None, None)


CALIBRATION = calibrate([float(k) for k in range(1, 100)])


def test_the_threshold_follows_the_rate_without_a_rebuild():
    assert judge_remembered("rgb", 92.0, CALIBRATION, 0.05, {}).verdict is Verdict.OK  # 95th of 99
    assert judge_remembered("rgb", 92.0, CALIBRATION, 0.10, {}).verdict is Verdict.DEFECT  # 90th of 99


def test_a_threshold_by_hand_wins_and_is_not_called_extrapolated():
    raw = judge_remembered("rgb", 60.0, CALIBRATION, 1e-6, {"rgb": 59.0, "fused": 99.0})
    assert (raw.verdict, raw.threshold, raw.extrapolated) == (Verdict.DEFECT, 59.0, False)
    in_sigma = judge_remembered("depth", 60.0, CALIBRATION, 1e-6, {"rgb": 59.0, "fused": 2.0})
    assert in_sigma.deviation_threshold == pytest.approx(2.0)
    assert judge_remembered("rgb", 60.0, CALIBRATION, 1e-6, {}).extrapolated


def test_a_zero_shot_score_is_its_own_deviation():
    judged = judge_zero_shot("rgb", 46.0, 45.0, votes=True)
    assert (judged.verdict, judged.deviation, judged.deviation_threshold) == (Verdict.DEFECT, 46.0, 45.0)
    assert judged.mode is Mode.ZERO_SHOT
    assert judge_zero_shot("rgb", 46.0, None, votes=True).verdict is Verdict.UNKNOWN
