import math

import numpy as np
import pytest

from models.backbones.sensor_features import FEATURES, channel_features
from models.memory.sensor_memory import SensorMemory, SensorSettings, build_sensor_memory, excursion_sigma
from tests.unit.models.drawn_parts import TRIGGERED_AT
from wire.sensor_window import SensorChannel, SensorWindow

SETTINGS = SensorSettings(relative_floor=0.01, zero_shot_sigma=12.0)
TIMES = tuple(k / 50 for k in range(50))


def channel(values: list[float], name: str = "Vibration", statuses: tuple[int, ...] | None = None) -> SensorChannel:
    return SensorChannel(
        name=name, times_s=TIMES[: len(values)], values=tuple(values), statuses=statuses or (0,) * len(values)
    )


def window(*channels: SensorChannel) -> SensorWindow:
    return SensorWindow(triggered_at=TRIGGERED_AT, before_s=0.5, after_s=0.5, channels=channels)


def quiet(seed: int, level: float = 5.0) -> list[float]:
    return (level + 0.1 * np.random.default_rng(seed).standard_normal(50)).tolist()


def named(features: np.ndarray | None) -> dict[str, float]:
    assert features is not None
    return dict(zip(FEATURES, features.tolist(), strict=True))


def test_level_and_steps_by_hand():
    features = named(channel_features(channel([1.0, 1.0, 1.0, 1.0, 4.0, 1.0, 1.0, 1.0, 1.0])))
    assert (features["level"], features["spread"], features["peak"], features["step"]) == (1.0, 0.0, 3.0, 3.0)


def test_a_tone_lies_in_its_third_of_the_spectrum():
    # Half of 50 Hz is 25 Hz: thirds end at about 8.3 and 16.7 Hz.
    for hertz, band in ((3, "low"), (12, "middle"), (21, "high")):
        features = named(channel_features(channel([math.sin(2 * math.pi * hertz * t) for t in TIMES])))
        others = {"low", "middle", "high"} - {band}
        assert all(features[band] > 5 * features[other] for other in others)


def test_only_samples_with_status_good_count():
    bad, uncertain = 0x80000000, 0x40000000
    values = [*quiet(0)[:20], 1e6, math.nan, -1e6]
    found = channel_features(channel(values, statuses=(*(0,) * 20, bad, 0, uncertain)))
    clean = channel_features(channel(values[:20]))
    assert np.array_equal(found, clean)


def test_too_few_good_samples_give_no_features():
    assert channel_features(channel([1.0] * 7)) is None
    assert channel_features(channel([1.0] * 50, statuses=(0x80000000,) * 50)) is None


def test_samples_that_share_one_time_do_not_break_the_spectrum():
    stuck = SensorChannel(name="x", times_s=(0.0,) * 10, values=tuple(range(10)), statuses=(0,) * 10)
    features = channel_features(stuck)
    assert features is not None
    assert np.isfinite(features).all()


def test_a_burst_and_a_shifted_level_stand_out_and_a_good_window_does_not():
    references = [window(channel(quiet(k)), channel(quiet(100 + k, 40), "Temperature")) for k in range(24)]
    memory, scores = build_sensor_memory(references, SETTINGS)
    burst = quiet(50)
    burst[20:24] = [9.0, 1.0, 9.0, 1.0]
    good = memory.score(window(channel(quiet(51)), channel(quiet(52, 40), "Temperature")))
    burst_score = memory.score(window(channel(burst), channel(quiet(52, 40), "Temperature")))
    hot_score = memory.score(window(channel(quiet(51)), channel(quiet(52, 45), "Temperature")))
    assert good is not None
    assert burst_score is not None
    assert hot_score is not None
    assert good < 1.5 * max(scores)
    assert burst_score > 3 * max(scores)
    assert hot_score > 3 * max(scores)


def test_a_score_left_out_does_not_know_its_own_window():
    references = [window(channel(quiet(k))) for k in range(8)] + [window(channel(quiet(9, level=9.0)))]
    _, scores = build_sensor_memory(references, SETTINGS)
    assert scores[-1] > 5 * max(scores[:-1])


def test_an_unknown_channel_and_a_lost_one_are_left_out_of_the_score():
    memory, _ = build_sensor_memory([window(channel(quiet(k))) for k in range(8)], SETTINGS)
    alone, more = memory.score(window(channel(quiet(9)))), window(channel(quiet(9)), channel([1e9] * 50, "Unknown"))
    assert memory.score(more) == alone
    assert memory.score(window(channel([1.0] * 50, "Unknown"))) is None


def test_a_memory_survives_its_tensors():
    memory, _ = build_sensor_memory([window(channel(quiet(k))) for k in range(8)], SETTINGS)
    tensors = memory.tensors()
    assert {name: tensor.shape for name, tensor in tensors.items()} == {"sensor.Vibration": (2, len(FEATURES))}
    assert SensorMemory.from_tensors(tensors).score(window(channel(quiet(9)))) == memory.score(
        window(channel(quiet(9)))
    )


def test_a_constant_channel_does_not_alarm_on_its_last_digit():
    memory, _ = build_sensor_memory([window(channel([40.0] * 50)) for _ in range(8)], SETTINGS)
    score = memory.score(window(channel([40.001] * 50)))
    assert score == pytest.approx(0.001 / 0.4, rel=0.05)  # the floor is 1 % of the level


def test_without_a_memory_the_largest_excursion_counts():
    values = quiet(1)
    values[10] = 105.0
    found = excursion_sigma(window(channel(values)))
    assert found is not None
    assert found > 500
    assert excursion_sigma(window(channel([1.0] * 3))) is None
