"""One modality's evidence: a raw score against its threshold, and both as deviations from good parts."""

from collections.abc import Mapping
from dataclasses import dataclass

from models.memory.calibration import NormalThreshold, deviation, normal_threshold
from wire.finding import Mode, Verdict
from wire.line_state import Calibration

# The key of a threshold in sigma that an engineer set for every modality without a manual one of its own.
FUSED = "fused"


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """Raw score and threshold, and both as deviations. ``votes``: takes part in the fusion.

    Thresholds are None where there is nothing to compare with; then there is a score, but no verdict.
    ``extrapolated``: the threshold lies beyond what the references can show.
    """

    modality: str
    mode: Mode
    score: float
    threshold: float | None
    deviation: float
    deviation_threshold: float | None
    extrapolated: bool = False
    votes: bool = True

    @property
    def verdict(self) -> Verdict:
        """DEFECT if the score exceeds the threshold; UNKNOWN without one."""
        if self.threshold is None:
            return Verdict.UNKNOWN
        return Verdict.DEFECT if self.score > self.threshold else Verdict.OK


def judge_zero_shot(modality: str, score: float, threshold: float | None, *, votes: bool) -> Judgement:
    """Judge a score that is already in robust sigma of the part itself, against a stated constant if there is one."""
    return Judgement(
        modality=modality,
        mode=Mode.ZERO_SHOT,
        score=score,
        threshold=threshold,
        deviation=score,
        deviation_threshold=threshold,
        votes=votes,
    )


def judge_remembered(
    modality: str, score: float, calibration: Calibration, rate: float, manual_thresholds: Mapping[str, float]
) -> Judgement:
    """Judge a score against good parts' scores at a false-alarm ``rate``; a threshold set by hand wins.

    ``manual_thresholds``: raw by modality, or in sigma under ``fused`` for every modality without its own.
    """
    if modality in manual_thresholds:
        limit = NormalThreshold(value=manual_thresholds[modality], extrapolated=False)
    elif FUSED in manual_thresholds:
        by_hand = calibration.location + manual_thresholds[FUSED] * calibration.scale
        limit = NormalThreshold(value=by_hand, extrapolated=False)
    else:
        limit = normal_threshold(calibration, rate)
    return Judgement(
        modality=modality,
        mode=Mode.MEMORY,
        score=score,
        threshold=limit.value,
        deviation=deviation(calibration, score),
        deviation_threshold=deviation(calibration, limit.value),
        extrapolated=limit.extrapolated,
    )
