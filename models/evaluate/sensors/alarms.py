"""Alarms of one series against its labels: delay, misses, false alarms per hour, rows right and wrong."""

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from models.evaluate.metrics.ranking import Ranking
from models.evaluate.sensors.scorers import Scored
from models.evaluate.sensors.series import Series


class SeriesFigures(BaseModel):
    """Of one series, or summed over many.

    ``delays_s``: per detected event, first alarm less first anomalous row. A *false alarm* is a run of alarm rows that
    begins in normal time; ``normal_s`` is that time. Rows whose window still reaches into a past event belong to
    neither. The four row counts leave nothing out. ``auroc``: by row, None without both labels.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    delays_s: tuple[float, ...]
    missed: int
    false_alarms: int
    normal_s: float
    normal_rows_counted: int
    normal_rows_alarmed: int
    true_rows: int
    false_rows: int
    missed_rows: int
    quiet_rows: int
    auroc: float | None

    @property
    def events(self) -> int:
        """Detected and missed ones."""
        return len(self.delays_s) + self.missed

    @property
    def normal_share_alarmed(self) -> float:
        """To be compared with the stated rate; NaN without normal rows."""
        return self.normal_rows_alarmed / self.normal_rows_counted if self.normal_rows_counted else float("nan")

    @property
    def median_delay_s(self) -> float:
        """NaN if nothing was detected."""
        return float(np.median(self.delays_s)) if self.delays_s else float("nan")

    @property
    def false_alarms_per_hour(self) -> float:
        """NaN without normal time."""
        return self.false_alarms / self.normal_s * 3600 if self.normal_s > 0 else float("nan")

    @property
    def f1(self) -> float:
        """By row at the threshold; NaN without anomalous rows."""
        wrong = self.false_rows + self.missed_rows
        return 2 * self.true_rows / (2 * self.true_rows + wrong) if self.true_rows + self.missed_rows else float("nan")


def figures_of(series: Series, rows: NDArray[np.intp], scored: Scored, window_s: float) -> SeriesFigures:
    """Compare the alarms of the tested ``rows`` (R,), rising, with the labels."""
    times, anomalous = series.times_s[rows], series.anomalous[rows]
    alarm = scored.scores > scored.threshold
    delays, missed = [], 0
    echo = np.zeros(len(rows), np.bool_)
    for start, end in series.events:
        inside = (rows >= start) & (rows < end)
        if not inside.any():
            continue
        echo |= (times > series.times_s[end - 1]) & (times < series.times_s[end - 1] + window_s) & ~anomalous
        hits = np.flatnonzero(inside & alarm)
        if len(hits):
            delays.append(float(times[hits[0]] - series.times_s[start]))
        else:
            missed += 1
    counted = ~anomalous & ~echo
    began = alarm & ~np.concatenate([[False], alarm[:-1]])
    # A device that paused was not watched meanwhile: no step counts longer than a window.
    passed = np.minimum(np.diff(times, prepend=times[:1]), window_s)
    ranking = Ranking.of_scores(scored.scores[~anomalous], scored.scores[anomalous])
    return SeriesFigures(
        name=series.name,
        delays_s=tuple(delays),
        missed=missed,
        false_alarms=int((began & counted).sum()),
        normal_s=float(passed[counted].sum()),
        normal_rows_counted=int(counted.sum()),
        normal_rows_alarmed=int((alarm & counted).sum()),
        true_rows=int((alarm & anomalous).sum()),
        false_rows=int((alarm & ~anomalous).sum()),
        missed_rows=int((~alarm & anomalous).sum()),
        quiet_rows=int((~alarm & ~anomalous).sum()),
        auroc=ranking.auroc(),
    )


def total(figures: list[SeriesFigures], name: str) -> SeriesFigures:
    """Sums; the AUROC is the mean over the series that have one."""
    aurocs = [one.auroc for one in figures if one.auroc is not None]
    summed = ("missed", "false_alarms", "normal_s", "normal_rows_counted", "normal_rows_alarmed",
              "true_rows", "false_rows", "missed_rows", "quiet_rows")  # fmt: skip
    return SeriesFigures(
        name=name,
        delays_s=tuple(delay for one in figures for delay in one.delays_s),
        auroc=float(np.mean(aurocs)) if aurocs else None,
        **{key: sum(getattr(one, key) for one in figures) for key in summed},
    )
