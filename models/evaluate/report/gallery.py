"""The best and the worst maps of each kind: the few images that are kept until the page is written."""

from dataclasses import dataclass
from typing import Final

from models.evaluate.evaluator import Seen
from models.evaluate.metrics.ranking import Ranking
from models.evaluate.sample import GOOD

# Of each end: enough to see a habit, few enough to look at all of them.
_EACH: Final = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Exhibit:
    """``merit``: the higher, the better the detector did on this image."""

    seen: Seen
    merit: float


class Gallery:
    """Keeps the ends of the order by merit, per kind of image.

    Merit of a marked defect: the AUROC of the pixels of its own map. Of a good image: the negative score, so that false
    alarms are the worst. Of a defect that nobody marked: the score.
    """

    def __init__(self) -> None:
        self._kinds: dict[str, list[Exhibit]] = {}

    def offer(self, seen: Seen) -> None:
        """Keep the image if it belongs to the best or the worst so far."""
        kept = self._kinds.setdefault(seen.sample.kind, [])
        kept.append(Exhibit(seen=seen, merit=_merit(seen)))
        kept.sort(key=lambda exhibit: -exhibit.merit)
        del kept[_EACH:-_EACH]

    def kinds(self) -> list[str]:
        """Kinds that were seen, good last."""
        return sorted(self._kinds, key=lambda kind: (kind == GOOD, kind))

    def best(self, kind: str) -> list[Exhibit]:
        """Best first; of few images, the better half."""
        kept = self._kinds[kind]
        return kept[: min(_EACH, (len(kept) + 1) // 2)]

    def worst(self, kind: str) -> list[Exhibit]:
        """Worst first; of few images, the worse half."""
        kept = self._kinds[kind]
        return kept[::-1][: min(_EACH, len(kept) // 2)]


def _merit(seen: Seen) -> float:
    if seen.sample.kind == GOOD:
        return -seen.score
    if seen.mask is None:
        return seen.score
    auroc = Ranking.of_scores(seen.anomaly[~seen.mask].astype("f8"), seen.anomaly[seen.mask].astype("f8")).auroc()
    return 1.0 if auroc is None else auroc
