"""One evaluation of recorded series, from options to figures."""

from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from models.evaluate.sensors.alarms import SeriesFigures, figures_of, total
from models.evaluate.sensors.scorers import LargestZ, MemoryScorer, Scorer
from models.evaluate.sensors.series import SeriesColumns, read_series
from models.evaluate.sensors.split import Split, learned_and_tested
from models.recipes.recipe import read_recipe
from wire.errors import ConfigurationError

# Fewer references than this calibrate nothing.
_FEWEST_REFERENCES = 4


class SeriesProtocol(BaseModel):
    """What is evaluated, and how: every file is learned and tested by itself, at one stated rate per window."""

    model_config = ConfigDict(frozen=True)

    dataset: Path
    columns: SeriesColumns = SeriesColumns()
    recipe: str = "embedded"
    split: Split = Split.BEGINNING
    learned_rows: int = Field(default=400, ge=16)
    window_s: float = Field(default=30.0, gt=0)
    false_alarm_rate: float = Field(default=0.01, gt=0, lt=1)
    channels_alone: bool = False


class ScorerResult(BaseModel):
    """One scorer on all series; ``with_events`` and ``without_events`` sum the series that have events, or none."""

    model_config = ConfigDict(frozen=True)

    scorer: str
    series: tuple[SeriesFigures, ...]
    with_events: SeriesFigures
    without_events: SeriesFigures


class SeriesEvaluation(BaseModel):
    """``left_out``: files with too few normal rows to learn from, or none to test, each with the reason."""

    model_config = ConfigDict(frozen=True)

    protocol: SeriesProtocol
    left_out: dict[str, str]
    results: tuple[ScorerResult, ...]


def run_series(protocol: SeriesProtocol, show: Callable[[str], None]) -> SeriesEvaluation:
    """Learn and test every file with every scorer. ConfigurationError if files cannot be read or none can be used."""
    series = read_series(protocol.dataset, protocol.columns)
    memory = MemoryScorer(settings=read_recipe(protocol.recipe).sensors, window_s=protocol.window_s)
    left_out, usable = {}, []
    for one in series:
        learned, rows = learned_and_tested(one, protocol.split, protocol.learned_rows, protocol.window_s)
        references = len(memory.references(one, learned))
        if references < _FEWEST_REFERENCES or len(rows) == 0:
            left_out[one.name] = f"{references} windows to learn from, {len(rows)} rows to test"
        else:
            usable.append((one, learned, rows))
    if not usable:
        raise ConfigurationError([f"--dataset: {name}: {reason}" for name, reason in left_out.items()])
    scorers: list[Scorer] = [memory, LargestZ()]
    if protocol.channels_alone:
        names = dict.fromkeys(name for one, _, _ in usable for name in one.channels)
        scorers += [LargestZ(channel=name) for name in names]
    results = []
    for scorer in scorers:
        figures = []
        for index, (one, learned, rows) in enumerate(usable, start=1):
            show(f"{scorer.name}: {index} of {len(usable)}, {one.name}")
            scored = scorer.score(one, learned, rows, protocol.false_alarm_rate)
            figures.append(figures_of(one, rows, scored, protocol.window_s))
        results.append(_summed(scorer.name, figures))
    return SeriesEvaluation(protocol=protocol, left_out=left_out, results=tuple(results))


def _summed(scorer: str, figures: list[SeriesFigures]) -> ScorerResult:
    eventful = [one for one in figures if one.events]
    return ScorerResult(
        scorer=scorer,
        series=tuple(figures),
        with_events=total(eventful, "with events"),
        without_events=total([one for one in figures if not one.events], "without events"),
    )
