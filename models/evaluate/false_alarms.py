"""Measured false alarms on good images that no memory was built from, as they are and in another light."""

from collections.abc import Callable
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from models.evaluate.draws import Relation, draw_references
from models.evaluate.loading import load_image, part_of
from models.evaluate.sample import LabelledSet, ObjectSet, Sample
from wire.errors import ConfigurationError
from wire.finding import Verdict
from wire.image_codec import Image
from wire.inspector import Inspector
from wire.line_state import LineSpec

AS_TAKEN: Final = "as taken"
# Lamps age and shutters drift by about so much before somebody looks after them.
_GAIN, _GRADIENT = 0.2, 0.1
_BATCH = 8
_SIMULATIONS = 20_000


class AlarmSettings(BaseModel):
    """``references`` good images per memory, ``draws`` choices of them, ``rate`` the stated false-alarm rate."""

    model_config = ConfigDict(frozen=True)

    references: int
    draws: int
    rate: float
    seed: int
    max_vectors: int


class AlarmRate(BaseModel):
    """What was counted under one condition, over all objects and draws."""

    model_config = ConfigDict(frozen=True)

    condition: str
    alarms: int
    parts: int

    @property
    def rate(self) -> float:
        """Share of the good parts that were called defects."""
        return self.alarms / self.parts


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
    dataset: LabelledSet,
    inspector: Inspector,
    settings: AlarmSettings,
    *,
    related: Relation,
    alike: Relation,
    say: Callable[[str], None],
) -> list[AlarmRate]:
    """By condition. ConfigurationError if no object leaves good images to test after its references are drawn."""
    counts: dict[str, list[int]] = {}
    for each in dataset.objects:
        for draw in range(settings.draws):
            say(f"{each.name}: draw {draw + 1} of {settings.draws}")
            references, tests = _split(each, settings, draw, related, alike)
            if not tests:
                continue
            spec = LineSpec(
                line=f"evaluation.{each.name}",
                recipe=inspector.recipe,
                false_alarm_rate=settings.rate,
                max_vectors=settings.max_vectors,
            )
            state = inspector.build_state([part_of(load_image(r), r.name, spec.line) for r in references], spec)
            for start in range(0, len(tests), _BATCH):
                shown = [(test, lit(load_image(test))) for test in tests[start : start + _BATCH]]
                for condition in shown[0][1]:
                    parts = [part_of(images[condition], test.name, spec.line) for test, images in shown]
                    findings = inspector.inspect(parts, [state] * len(parts))
                    count = counts.setdefault(condition, [0, 0])
                    count[0] += sum(finding.verdict is Verdict.DEFECT for finding in findings)
                    count[1] += len(findings)
    if not counts:
        raise ConfigurationError([f"{dataset.root}: {settings.references} references leave no good image to test"])
    return [AlarmRate(condition=name, alarms=alarms, parts=parts) for name, (alarms, parts) in counts.items()]


def expected_range(settings: AlarmSettings, parts: int) -> tuple[float, float]:
    """Where 95 % of measured rates lie if the stated rate is kept.

    A threshold at the k-th of N leave-one-out scores is exceeded by a share of good parts that is Beta(N + 1 - k, k)
    from memory to memory; beyond the scores, (N + 1) times the rate is taken for N + 1 - k.
    """
    count = settings.references
    above = (count + 1) * settings.rate
    above = max(np.floor(above), min(above, 1.0))
    rng = np.random.default_rng(0)
    true = rng.beta(above, count + 1 - above, (_SIMULATIONS, settings.draws))
    each = max(1, parts // settings.draws)
    measured = rng.binomial(each, true).mean(axis=1) / each
    low, high = np.quantile(measured, (0.025, 0.975))
    return float(low), float(high)


def _split(
    objects: ObjectSet, settings: AlarmSettings, draw: int, related: Relation, alike: Relation
) -> tuple[tuple[Sample, ...], list[Sample]]:
    """References, and good images of other physical parts. Where tests hold none, from the good images left over."""
    pool = ObjectSet(name=objects.name, references=objects.references, tests=objects.references)
    drawn = draw_references(
        pool, settings.references, seed=settings.seed, draw=draw, related=related, alike=alike, leave_out_alike=False
    )
    chosen = set(drawn.order)
    return drawn.order, [test for test in drawn.tests if test not in chosen]
