"""One verdict from several modalities, at the stated false-alarm rate of the part.

Rule. Each of M judged modalities gets the rate r = 1 - (1 - rate)^(1 / M) (Sidak) and its own threshold. The part is a
defect if any modality exceeds its threshold. The part's rate is then ``rate`` for independent modalities, less for
modalities that rise together (one light, one vibration: down to r), and below -ln(1 - rate) whatever their dependence:
1.005 % for a stated 1 %. M counts the modalities that came: a part without its depth image is judged by the others at
the same rate, each of them a little less strict.

Each modality keeps its own verdict, made at its own threshold; the fused one adds nothing that no modality says. Scores
become deviations (standard deviations of good parts), the only unit that modalities share; the fused score and
threshold are those of the modality that lies furthest above its threshold, or least below it, so that
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
