"""One verdict from several modalities, at the stated false-alarm rate of the part.

Rule. Each of M judged modalities gets the rate 1 - (1 - rate)^(1 / M) (Sidak: exact for independent modalities, on the
safe side for positively dependent ones) and its own threshold. The part is a defect if any modality exceeds its
threshold. Scores become deviations (standard deviations of good parts), the only unit that modalities share; the fused
score and threshold are those of the modality that lies furthest above its threshold, or least below it, so that
``score > threshold`` says the same as the verdict.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from models.fuse.judgement import Judgement
from wire.finding import Verdict


@dataclass(frozen=True, kw_only=True)
class FusedVerdict:
    """The part's verdict; UNKNOWN without a threshold, and without a score where nothing was judged at all."""

    verdict: Verdict
    score: float | None
    threshold: float | None


def rate_per_modality(rate: float, modalities: int) -> float:
    """The false-alarm rate of each of ``modalities`` >= 1 that keeps the part's at ``rate``."""
    return float(1 - (1 - rate) ** (1 / modalities))


def fuse(judgements: Sequence[Judgement]) -> FusedVerdict:
    """Apply the rule to the judgements that vote."""
    voting = [judgement for judgement in judgements if judgement.votes]
    if not voting:
        return FusedVerdict(verdict=Verdict.UNKNOWN, score=None, threshold=None)
    lead = max(voting, key=lambda j: (j.verdict is Verdict.DEFECT, j.deviation - (j.deviation_threshold or 0.0)))
    return FusedVerdict(verdict=lead.verdict, score=lead.deviation, threshold=lead.deviation_threshold)
