"""Counting false alarms: in which light, on which images, and what may be expected."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from models.evaluate.false_alarms import AS_TAKEN, AlarmSettings, expected_range, false_alarms, lit
from models.evaluate.sample import GOOD, LabelledSet, ObjectSet, Sample
from tests.unit.models.drawn_parts import good_part, small_line
from wire.errors import ConfigurationError
from wire.inspector import Inspector

SETTINGS = AlarmSettings(references=4, draws=1, rate=0.2, seed=0, max_vectors=256)


def test_light_drifts_by_a_fifth_either_way_and_across_the_picture():
    image = np.full((2, 101, 3), 100, np.uint8)
    shown = lit(image)
    assert shown[AS_TAKEN] is image
    assert (shown["exposure +20 %"] == 120).all()
    assert (shown["exposure -20 %"] == 80).all()
    ramp = shown["gradient of 10 %"][0, :, 0]
    assert (ramp[0], ramp[50], ramp[-1]) == (95, 100, 105)
    assert (lit(np.full((1, 2, 3), 250, np.uint8))["exposure +20 %"] == 255).all()


def test_a_kept_rate_lies_in_the_range_and_one_four_times_as_high_does_not():
    settings = AlarmSettings(references=99, draws=10, rate=0.05, seed=0, max_vectors=1)
    low, high = expected_range(settings, 1000)
    # Beta(5, 95) over ten memories and 100 parts each: sd sqrt(.00047 / 10 + .0475 / 1000) = .0097
    assert low == pytest.approx(0.05 - 2 * 0.0097, abs=0.006)
    assert high == pytest.approx(0.05 + 2 * 0.0097, abs=0.006)


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


def test_every_good_image_that_is_no_reference_is_counted_in_each_light(inspector: Inspector, tmp_path: Path):
    found = false_alarms(
        good_images(tmp_path, 10),
        inspector,
        SETTINGS,
        related=lambda one, other: False,
        alike=lambda one, other: False,
        say=lambda text: None,
    )
    assert [(each.condition, each.parts) for each in found] == [
        (AS_TAKEN, 6), ("exposure +20 %", 6), ("exposure -20 %", 6), ("gradient of 10 %", 6),
    ]  # fmt: skip
    assert all(0 <= each.alarms <= 6 for each in found)


def test_images_of_the_references_own_parts_are_no_test(inspector: Inspector, tmp_path: Path):
    with pytest.raises(ConfigurationError, match="4 references leave no good image to test"):
        false_alarms(
            good_images(tmp_path, 6),
            inspector,
            SETTINGS,
            related=lambda one, other: True,
            alike=lambda one, other: False,
            say=lambda text: None,
        )
