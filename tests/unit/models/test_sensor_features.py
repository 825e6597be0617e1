import math

import numpy as np
import pytest

from models.backbones.envelope import envelope_spectrum, rhythm
from models.backbones.sensor_features import FEATURES, channel_features
from wire.sensor_window import SensorChannel

HZ = 50
BAD, UNCERTAIN = 0x80000000, 0x40000000


def channel(values: list[float], statuses: tuple[int, ...] = (), times: tuple[float, ...] = ()) -> SensorChannel:
    return SensorChannel(
        name="x",
        times_s=times or tuple(k / HZ for k in range(len(values))),
        values=tuple(values),
        statuses=statuses or (0,) * len(values),
    )


def named(found: SensorChannel) -> dict[str, float]:
    features = channel_features(found)
    assert features is not None
    return dict(zip(FEATURES, features.tolist(), strict=True))


def noise(count: int = 50, seed: int = 0) -> list[float]:
    return np.random.default_rng(seed).standard_normal(count).tolist()


def test_level_and_sizes_by_hand():
    features = named(channel([1.0, 1.0, 1.0, 1.0, 4.0, 1.0, 1.0, 2.0, 3.0]))
    assert (features["level"], features["peak"], features["jump"]) == (1.0, 3.0, 3.0)
    assert features["spread"] == 0.0  # five of nine agree
    assert features["range"] == 3.0  # of 9 sorted, round(0.95 * 8) = 8th less round(0.05 * 8) = 0th
    assert features["drift"] == 1.0  # median of 1, 2, 3 less that of 1, 1, 1


def test_spread_is_a_standard_deviation_of_noise_and_one_spike_does_not_move_it():
    values = noise(1000)
    before = named(channel(values))["spread"]
    assert before == pytest.approx(1.0, rel=0.1)
    values[500] = 1e6
    assert named(channel(values))["spread"] == pytest.approx(before, rel=0.01)


@pytest.mark.parametrize(
    ("hertz", "band"), [(20, "octave_1"), (9, "octave_2"), (5, "octave_3"), (2, "octave_4")]
)  # from 25 Hz down: 12.5, 6.2, 3.1, 1.6
def test_a_tone_lies_in_its_octave(hertz: float, band: str):
    features = named(channel([math.sin(2 * math.pi * hertz * k / HZ) for k in range(200)]))
    octaves = {name: value for name, value in features.items() if name.startswith(("octave", "rest"))}
    assert max(octaves, key=lambda name: octaves[name]) == band
    assert all(octaves[band] > 3 * value for name, value in octaves.items() if name != band)


def test_a_sine_and_knocks_differ_in_kurtosis_and_crest():
    sine = named(channel([math.sin(2 * math.pi * 2.5 * k / HZ) for k in range(200)]))
    assert sine["kurtosis"] == pytest.approx(1.5, abs=0.01)
    assert sine["crest"] == pytest.approx(math.sqrt(2), abs=0.01)
    knocks = [0.0] * 200
    knocks[50] = knocks[150] = 1.0
    # Share p = 1 / 100 of ones: (1 - 3p + 3p^2) / (p (1 - p)), and sqrt((1 - p) / p).
    assert named(channel(knocks))["kurtosis"] == pytest.approx((1 - 0.03 + 0.0003) / (0.01 * 0.99))
    assert named(channel(knocks))["crest"] == pytest.approx(math.sqrt(99))


def test_only_samples_with_status_good_count():
    values = [*noise()[:20], 1e6, math.nan, -1e6]
    found = channel_features(channel(values, (*(0,) * 20, BAD, 0, UNCERTAIN)))
    assert np.array_equal(found, channel_features(channel(values[:20])), equal_nan=True)


def test_a_slow_channel_has_a_level_and_nothing_more():
    features = named(channel([3.0, 5.0]))
    assert features.pop("level") == 4.0
    assert all(math.isnan(value) for value in features.values())
    assert channel_features(channel([1.0] * 50, (BAD,) * 50)) is None


def test_what_was_missed_in_a_gap_is_neither_a_jump_nor_a_wave():
    first, second = noise(60, seed=1), [value + 50 for value in noise(30, seed=2)]
    times = (*(k / HZ for k in range(60)), *(3 + k / HZ for k in range(30)))
    features = named(channel([*first, *second], times=times))
    assert features["jump"] == max(np.abs(np.diff(first)).max(), np.abs(np.diff(second)).max())
    assert features["octave_1"] == named(channel(first))["octave_1"]  # of the longer run


def test_the_order_of_arrival_does_not_matter():
    values = noise()
    shuffled = np.random.default_rng(3).permutation(50)
    mixed = channel([values[k] for k in shuffled], times=tuple(k / HZ for k in shuffled.tolist()))
    assert np.array_equal(channel_features(mixed), channel_features(channel(values)), equal_nan=True)


def test_samples_that_share_one_time_have_no_spectrum():
    features = named(channel([float(k) for k in range(10)], times=(0.0,) * 10))
    assert (features["level"], features["jump"]) == (4.5, 1.0)
    assert math.isnan(features["octave_1"])


def test_a_constant_channel_has_no_shape_and_breaks_nothing():
    features = named(channel([40.0] * 2000))
    assert (features["spread"], features["jump"]) == (0.0, 0.0)
    assert features["octave_1"] == pytest.approx(0.0, abs=1e-9)
    assert all(math.isnan(features[name]) for name in ("kurtosis", "crest", "rhythm"))


def knocking(per_second: float, rate_hz: int = 20_000, seconds: float = 1.0) -> np.ndarray:
    """Noise, and a ringing at 4 kHz that dies within a millisecond, ``per_second`` times a second."""
    times = np.arange(int(rate_hz * seconds)) / rate_hz
    since = times % (1 / per_second)
    ringing = 3 * np.exp(-since / 5e-4) * np.sin(2 * math.pi * 4000 * since)
    return ringing + np.random.default_rng(0).standard_normal(times.size)


def test_the_envelope_shows_how_often_something_knocks():
    frequencies, amplitude = envelope_spectrum(knocking(81.0), 20_000)
    low = (frequencies > 5) & (frequencies < 120)
    assert frequencies[low][amplitude[low].argmax()] == pytest.approx(81.0, abs=1.0)


def test_knocks_have_a_rhythm_and_noise_has_none():
    assert rhythm(knocking(81.0)) > 2 * rhythm(np.random.default_rng(1).standard_normal(20_000))


def test_one_sample_more_or_less_changes_octaves_and_drift_by_little():
    """Of noise. By whole lines and samples 17 have a fifth less in the second octave than 18, and more drift."""
    rng = np.random.default_rng(5)
    draws = {17: [], 18: [], 19: []}
    for _ in range(2000):
        values = rng.standard_normal(19)
        for count, found in draws.items():
            found.append(named(channel(values[:count].tolist())))
    for feature in ("octave_1", "octave_2", "octave_3"):
        means = {count: np.mean([one[feature] for one in found]) for count, found in draws.items()}
        assert means[17] == pytest.approx(means[18], rel=0.06)
        assert means[19] == pytest.approx(means[18], rel=0.06)
    drifts = {count: np.std([one["drift"] for one in found]) for count, found in draws.items()}
    assert drifts[17] == pytest.approx(drifts[18], rel=0.08)
