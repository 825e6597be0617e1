"""How well the classifier of kinds does on lines of families that it never saw."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.kinds.vocabulary import NAMED

_BINS = 10


@dataclass(frozen=True, kw_only=True)
class KindFigures:
    """``confusion`` (K, K): rows true, columns answered, counts.

    ``calibration_error``: mean gap between probability and share of right answers, in ten bins. ``answered``: share
    above the least probability; ``accuracy_answered`` of those. ``accuracy_marked``: with the detector's own masks.
    ``taught_recall``, ``taught_alarms``: a class of four examples recognises this share of its own further regions, and
    takes this share of other kinds' regions for its own.
    """

    samples: int
    confusion: NDArray[np.int64]
    accuracy: float
    mean_recall: float
    accuracy_marked: float
    answered: float
    accuracy_answered: float
    calibration_error: float
    taught_recall: float
    taught_alarms: float

    def rows(self) -> list[tuple[str, str]]:
        """Name and value, for people."""
        return [
            ("regions", str(self.samples)),
            ("accuracy", f"{self.accuracy:.3f}"),
            ("mean recall over types", f"{self.mean_recall:.3f}"),
            ("accuracy with the detector's own masks", f"{self.accuracy_marked:.3f}"),
            ("named (not unknown)", f"{self.answered:.3f}"),
            ("accuracy of the named", f"{self.accuracy_answered:.3f}"),
            ("calibration error", f"{self.calibration_error:.3f}"),
            ("taught by four examples: recognised", f"{self.taught_recall:.3f}"),
            ("taught by four examples: taken from other kinds", f"{self.taught_alarms:.3f}"),
        ]

    def matrix(self) -> str:
        """The confusion matrix as a Markdown table, without types that never occur."""
        used = [i for i in range(len(NAMED)) if self.confusion[i].any() or self.confusion[:, i].any()]
        head = "| true \\ answered | " + " | ".join(NAMED[i].value for i in used) + " |"
        rule = "|---" * (len(used) + 1) + "|"
        body = [
            f"| {NAMED[i].value} | " + " | ".join(str(int(self.confusion[i, j])) for j in used) + " |" for i in used
        ]
        return "\n".join([head, rule, *body])


def figures(
    chances: NDArray[np.float32],
    types: NDArray[np.int64],
    marked: NDArray[np.bool_],
    least_probability: float,
    taught: tuple[float, float],
) -> KindFigures:
    """Of probabilities (N, K) against true types (N,)."""
    best, sure = chances.argmax(axis=1), chances.max(axis=1)
    right = best == types
    confusion = np.zeros((len(NAMED), len(NAMED)), np.int64)
    np.add.at(confusion, (types, best), 1)
    counts = confusion.sum(axis=1)
    named = sure >= least_probability
    bins = np.minimum((sure * _BINS).astype(np.int64), _BINS - 1)
    gaps = [abs(float((sure - right)[bins == b].sum())) for b in range(_BINS)]
    return KindFigures(
        samples=len(types),
        confusion=confusion,
        accuracy=float(right.mean()),
        mean_recall=float((np.diag(confusion)[counts > 0] / counts[counts > 0]).mean()),
        accuracy_marked=_mean(right[marked]),
        answered=float(named.mean()),
        accuracy_answered=_mean(right[named]),
        calibration_error=sum(gaps) / len(types),
        taught_recall=taught[0],
        taught_alarms=taught[1],
    )


def _mean(of: NDArray[np.bool_]) -> float:
    return float(of.mean()) if of.size else 0.0
