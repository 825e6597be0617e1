"""Defects that are pasted into a line's good parts."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models.train.pasted_samples import PastedSamples
from wire.errors import ConfigurationError

SIDE = 64


def good_part(seed: int, *, level: int = 120) -> NDArray[np.uint8]:
    grain = np.random.default_rng(seed).integers(-20, 21, (48, 96, 1))
    grey = np.clip(level + grain + np.linspace(-40, 40, 96)[None, :, None], 0, 255)
    return grey.astype(np.uint8).repeat(3, axis=2)


def test_what_is_marked_is_where_the_picture_changed_and_nothing_else():
    ground = cv2.resize(good_part(0), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    samples = PastedSamples([good_part(0)], side_px=SIDE, name="l")
    for seed in range(20):
        sample = samples.training(np.random.default_rng(seed))
        assert sample.image.shape == (SIDE, SIDE, 3)
        changed = np.abs(sample.image * 255 - ground).max(axis=2) >= 2
        assert changed[sample.truth].mean() > 0.9
        # Beyond it only the faint rim of a piece is left.
        assert (changed & ~sample.truth).sum() < 0.7 * sample.truth.sum()


def test_the_same_numbers_give_the_same_samples():
    samples = PastedSamples([good_part(seed) for seed in range(5)], side_px=SIDE, name="l")
    one, same, other = (samples.training(np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert np.array_equal(one.image, same.image)
    assert np.array_equal(one.truth, same.truth)
    assert not np.array_equal(one.truth, other.truth)
    assert samples.name == "5 good parts of l, 64 px"


def test_a_quarter_of_the_parts_is_held_out():
    levels = [60, 90, 120, 150, 180]  # the first and the last are held out
    samples = PastedSamples([good_part(n, level=level) for n, level in enumerate(levels)], side_px=SIDE, name="l")

    def seen(*, held_out: bool) -> set[int]:
        """Which parts lie under the pasted pieces, by their level."""
        draw = samples.held_out if held_out else samples.training
        drawn = [draw(np.random.default_rng(seed)) for seed in range(24)]
        middles = [float(np.median(each.image[~each.truth])) * 255 for each in drawn]
        return {min(levels, key=lambda level: abs(level - middle)) for middle in middles}

    assert seen(held_out=True) == {60, 180}
    assert seen(held_out=False) == {90, 120, 150}


def test_a_line_without_a_picture_on_which_anything_shows_is_told():
    with pytest.raises(ConfigurationError, match="l: there is no picture of a good part"):
        PastedSamples([], side_px=SIDE, name="l")
    black = PastedSamples([np.zeros((48, 96, 3), np.uint8)], side_px=SIDE, name="l")
    with pytest.raises(ConfigurationError, match="pasted pieces changed nothing; are all pictures black"):
        black.training(np.random.default_rng(0))
