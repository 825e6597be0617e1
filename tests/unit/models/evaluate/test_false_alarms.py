"""Counting false alarms: in which light, on which images, and what may be expected."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.stats import betabinom

from models.evaluate.alarm_trials import DrawnTrials, Trial, labelled_trials
from models.evaluate.false_alarms import (
    AS_TAKEN,
    AlarmCount,
    by_condition,
    by_group,
    by_memory,
    false_alarms,
    lit,
    outside,
)  # fmt: skip
from models.evaluate.report.alarm_page import alarm_page
from models.evaluate.sample import GOOD, LabelledSet, ObjectSet, Sample
from tests.unit.models.drawn_parts import good_part, small_line
from wire.inspector import Inspector


def test_light_drifts_by_a_fifth_either_way_and_across_the_picture():
    image = np.full((2, 101, 3), 100, np.uint8)
    shown = lit(image)
    assert shown[AS_TAKEN] is image
    assert (shown["exposure +20 %"] == 120).all()
    assert (shown["exposure -20 %"] == 80).all()
    ramp = shown["gradient of 10 %"][0, :, 0]
    assert (ramp[0], ramp[50], ramp[-1]) == (95, 100, 105)
    assert (lit(np.full((1, 2, 3), 250, np.uint8))["exposure +20 %"] == 255).all()


def good_images(folder: Path, count: int) -> LabelledSet:
    line = small_line(0, "brushed", height=64, width=96)
    samples = []
    for number in range(count):
        image = good_part(line, number, ("rgb",)).images["rgb"]
        path = folder / f"{number}.png"
        cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        samples.append(Sample(image=path, name=path.name, kind=GOOD))
    objects = ObjectSet(name="tile", references=tuple(samples), tests=tuple(samples))
    return LabelledSet(name="tiles", root=folder, layout="plain", objects=(objects,))


def unrelated(one: Sample, other: Sample) -> bool:
    return one == other


def counted(trials: Iterable[Trial], inspector: Inspector, *, drift: bool) -> list[AlarmCount]:
    return false_alarms(trials, inspector, rate=0.2, max_vectors=256, drift=drift, say=lambda text: None)


def test_every_good_image_that_is_no_reference_is_counted_in_each_light(inspector: Inspector, tmp_path: Path):
    trials = labelled_trials(good_images(tmp_path, 10), references=4, draws=1, seed=0, related=unrelated)
    counts = counted(trials, inspector, drift=True)
    assert [(each.condition, each.parts) for each in counts] == [
        (AS_TAKEN, 6), ("exposure +20 %", 6), ("exposure -20 %", 6), ("gradient of 10 %", 6),
    ]  # fmt: skip
    assert all(0 <= each.alarms <= 6 for each in counts)
    assert [each.name for each in by_condition(counts, 0.2)] == [each.condition for each in counts]


def test_no_two_references_and_no_fresh_image_show_one_part(tmp_path: Path):
    def twins(one: Sample, other: Sample) -> bool:
        return int(one.image.stem) // 2 == int(other.image.stem) // 2

    dataset = good_images(tmp_path, 12)
    for trial in labelled_trials(dataset, references=4, draws=3, seed=0, related=twins):
        parts = [int(Path(each.name).stem) // 2 for each in trial.references]
        assert len(set(parts)) == 4
        assert {int(Path(each.name).stem) // 2 for each in trial.fresh} == set(range(6)) - set(parts)


def test_images_of_one_part_alone_make_no_trial(tmp_path: Path):
    trials = labelled_trials(good_images(tmp_path, 6), references=4, draws=2, seed=0, related=lambda one, other: True)
    assert list(trials) == []


def test_drawn_lines_are_judged_on_parts_that_were_no_reference(inspector: Inspector):
    drawn = DrawnTrials(families=("brushed", "paper"), lines=2, references=4, fresh=5, side_px=64, seed=3)
    trials = list(drawn())
    assert [trial.name for trial in trials] == ["brushed, line 3", "paper, line 3", "brushed, line 4", "paper, line 4"]
    pictures = [part.picture() for part in (*trials[0].references, *trials[0].fresh)]
    assert len({picture.tobytes() for picture in pictures}) == 9
    counts = counted(trials, inspector, drift=False)
    assert [(each.name, each.memories, each.parts) for each in by_group(counts, 0.2)] == [
        ("brushed", 2, 10), ("paper", 2, 10),
    ]  # fmt: skip


def count_of(name: str, alarms: int, *, condition: str = AS_TAKEN) -> AlarmCount:
    return AlarmCount(group="tile", trial=name, condition=condition, references=19, alarms=alarms, parts=19)


def test_lines_outside_their_own_range_are_counted_on_either_side_beside_those_of_chance():
    # Rate .2 of 19 scores: Beta(4, 16); 19 fresh parts have 0 to 9 alarms in 95 of 100 memories, 0 in 3.7 of them.
    names = [*(f"line {number}" for number in range(8)), "careless"]
    counts = [count_of(name, alarms) for name, alarms in zip(names, [*range(1, 9), 15], strict=True)]
    counts.append(count_of("careless", 19, condition="exposure +20 %"))
    rows = by_memory(counts, 0.2)
    assert [(each.name, each.alarms, each.kept) for each in rows[-2:]] == [("line 7", 8, True), ("careless", 15, False)]
    found = outside(counts, 0.2)
    above = float(betabinom(19, 4, 16).sf(rows[0].high))
    assert (rows[0].low, found.memories, found.fewer, found.more) == (0, 9, 0, 1)
    assert (found.fewer_expected, found.more_expected) == pytest.approx((0, 9 * above))
    # At least one of nine, twice.
    assert found.tail == pytest.approx(min(1.0, 2 * (1 - (1 - above) ** 9)))
    assert "Of 9 memories 0 have fewer alarms than their range and 1 have more" in found.sentence


def test_too_few_alarms_on_every_line_lie_outside_as_well():
    counts = [
        AlarmCount(group="a", trial=f"{n}", condition=AS_TAKEN, references=99, alarms=0, parts=400) for n in range(4)
    ]
    found = outside(counts, 0.2)
    assert (found.fewer, found.more) == (4, 0)
    assert found.tail < 1e-4


def test_a_page_shows_each_group_its_range_and_what_lies_outside():
    counts = [
        AlarmCount(group=name, trial=name, condition=AS_TAKEN, references=24, alarms=alarms, parts=60)
        for name, alarms in (("kept & well", 3), ("broken", 40))
    ]
    rows = by_group(counts, 0.05)
    # 40 of 60 above the largest of 24 scores: hardly ever. The middle 95 % of counts under Beta(1, 24) end at 10.
    assert [each.kept for each in rows] == [True, False]
    assert (rows[0].low, rows[0].high) == (0, 10)
    page = alarm_page(counts, [rows, by_condition(counts, 0.05)], title="a <title>", rate=0.05)
    assert "kept &amp; well" in page
    assert "a &lt;title&gt;" in page
    # Two groups, both together, and the memory that lies outside.
    assert page.count("<circle") == 4
    assert page.count("#d55e00") >= 2
