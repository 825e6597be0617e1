"""Measured false alarms on good parts that no memory was built from, as they are and in another light."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from models.evaluate.alarm_law import AlarmLaw
from models.evaluate.alarm_trials import GoodPart, Trial
from models.evaluate.loading import part_of
from wire.finding import Verdict
from wire.image_codec import Image
from wire.inspector import Inspector
from wire.line_state import LineSpec, LineState

AS_TAKEN: Final = "as taken"
# Lamps age and shutters drift by about so much before somebody looks after them.
_GAIN, _GRADIENT = 0.2, 0.1
_BATCH = 8


class AlarmCount(BaseModel):
    """What one memory of ``references`` scores said of ``parts`` good ones, shown under one condition."""

    model_config = ConfigDict(frozen=True)

    group: str
    trial: str
    condition: str
    references: int
    alarms: int
    parts: int


class AlarmRate(BaseModel):
    """Counts of several memories together. ``low`` … ``high``: where 95 % of counts lie if the rate is kept.

    ``tail``: probability of a count at least as far out on its side, twice.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    memories: int
    alarms: int
    parts: int
    low: int
    high: int
    tail: float

    @property
    def rate(self) -> float:
        """Share of the good parts that were called defects."""
        return self.alarms / self.parts

    @property
    def kept(self) -> bool:
        """Whether the count lies where 95 % of counts do."""
        return self.low <= self.alarms <= self.high


class LinesOutside(BaseModel):
    """How many memories lie outside their own range, on either side, and how many do if the rate is kept.

    ``tail``: probability of a number at least as far out on its side as that of both sides together, twice.
    """

    model_config = ConfigDict(frozen=True)

    memories: int
    fewer: int
    more: int
    fewer_expected: float
    more_expected: float
    tail: float

    @property
    def sentence(self) -> str:
        """For people."""
        return (
            f"Of {self.memories} memories {self.fewer} have fewer alarms than their range and {self.more} have more; "
            f"if the rate is kept, {self.fewer_expected:.1f} and {self.more_expected:.1f} do (p {self.tail:.2g})."
        )


def lit(image: Image) -> dict[str, Image]:
    """The image (H, W, 3) as taken and in other light, by name. 10 % gradient: 5 % less at the left, 5 % more right."""
    ramp = np.linspace(1 - _GRADIENT / 2, 1 + _GRADIENT / 2, image.shape[1], dtype=np.float32)[None, :, None]
    gains = {
        "exposure +20 %": np.full_like(ramp, 1 + _GAIN),
        "exposure -20 %": np.full_like(ramp, 1 - _GAIN),
        "gradient of 10 %": ramp,
    }
    shown: dict[str, Image] = {AS_TAKEN: image}
    for name, gain in gains.items():
        levels = image.astype(np.float32) * gain + np.float32(0.5)
        shown[name] = (
            np.clip(levels, 0, 255).astype(np.uint8)
            if image.dtype == np.uint8
            else np.clip(levels, 0, 65535).astype(np.uint16)
        )
    return shown


def false_alarms(
    trials: Iterable[Trial],
    inspector: Inspector,
    *,
    rate: float,
    max_vectors: int,
    drift: bool,
    say: Callable[[str], None],
) -> list[AlarmCount]:
    """One count per memory and condition; ``drift``: in other light, too. ``say`` is told of every trial."""
    counts = []
    for number, trial in enumerate(trials, 1):
        say(f"memory {number}: {trial.name}")
        spec = LineSpec(
            line=f"evaluation.{trial.group}",
            recipe=inspector.recipe,
            false_alarm_rate=rate,
            max_vectors=max_vectors,
        )
        state = inspector.build_state([part_of(r.picture(), r.name, spec.line) for r in trial.references], spec)
        found: Counter[str] = Counter()
        for start in range(0, len(trial.fresh), _BATCH):
            found.update(_judge(trial.fresh[start : start + _BATCH], inspector, state, drift=drift))
        counts += [
            AlarmCount(
                group=trial.group,
                trial=trial.name,
                condition=condition,
                references=len(trial.references),
                alarms=alarms,
                parts=len(trial.fresh),
            )
            for condition, alarms in found.items()
        ]
    return counts


def together(counts: Sequence[AlarmCount], name: str, rate: float) -> AlarmRate:
    """Several memories, taken as independent; at least one."""
    law = AlarmLaw.of_all(AlarmLaw.of_memory(each.references, rate, each.parts) for each in counts)
    alarms = sum(each.alarms for each in counts)
    low, high = law.within(0.95)
    return AlarmRate(
        name=name, memories=len(counts), alarms=alarms, parts=law.parts, low=low, high=high, tail=law.tail(alarms)
    )


def by_memory(counts: Sequence[AlarmCount], rate: float) -> list[AlarmRate]:
    """As taken, one row per memory: per line, where each line has one."""
    return [together([each], each.trial, rate) for each in counts if each.condition == AS_TAKEN]


def outside(counts: Sequence[AlarmCount], rate: float) -> LinesOutside:
    """How many memories' counts, as taken, lie outside the range of 95 %; exact, of memories taken as independent.

    Counts are whole numbers: less than 2.5 % of them lie on either side, and below a range that begins at 0 none do.
    """
    rows = by_memory(counts, rate)
    laws = [AlarmLaw.of_memory(each.references, rate, each.parts) for each in counts if each.condition == AS_TAKEN]
    below = [float(law.chances[: row.low].sum()) for law, row in zip(laws, rows, strict=True)]
    above = [float(law.chances[row.high + 1 :].sum()) for law, row in zip(laws, rows, strict=True)]
    fewer, more = sum(row.alarms < row.low for row in rows), sum(row.alarms > row.high for row in rows)
    either = AlarmLaw.of_all(
        AlarmLaw(chances=np.array([1 - low - high, low + high])) for low, high in zip(below, above, strict=True)
    )
    return LinesOutside(
        memories=len(rows),
        fewer=fewer,
        more=more,
        fewer_expected=sum(below),
        more_expected=sum(above),
        tail=either.tail(fewer + more),
    )


def by_group(counts: Sequence[AlarmCount], rate: float) -> list[AlarmRate]:
    """As taken, one row per group in the order in which they came."""
    usual = [each for each in counts if each.condition == AS_TAKEN]
    groups = dict.fromkeys(each.group for each in usual)
    return [together([each for each in usual if each.group == group], group, rate) for group in groups]


def by_condition(counts: Sequence[AlarmCount], rate: float) -> list[AlarmRate]:
    """All groups together, one row per light."""
    conditions = dict.fromkeys(each.condition for each in counts)
    return [together([each for each in counts if each.condition == name], name, rate) for name in conditions]


def _judge(parts: Sequence[GoodPart], inspector: Inspector, state: LineState, *, drift: bool) -> dict[str, int]:
    """Alarms by condition."""
    shown = [(part.name, lit(image) if drift else {AS_TAKEN: image}) for part in parts for image in [part.picture()]]
    alarms = {}
    for condition in shown[0][1]:
        batch = [part_of(images[condition], name, state.metadata.line) for name, images in shown]
        findings = inspector.inspect(batch, [state] * len(batch))
        alarms[condition] = sum(finding.verdict is Verdict.DEFECT for finding in findings)
    return alarms
