from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from models.backbones.sensor_features import FEATURES
from models.memory.calibration import calibrate, normal_threshold
from models.memory.sensor_memory import SensorMemory, SensorSettings, build_sensor_memory, excursion_sigma
from wire.sensor_window import SensorChannel, SensorWindow

SETTINGS = SensorSettings(relative_floor=0.01, zero_shot_sigma=12.0)
START = datetime(2026, 1, 1, tzinfo=UTC)
BAD = 0x80000000


def channel(values: Sequence[float], name: str = "Vibration", hz: float = 50, status: int = 0) -> SensorChannel:
    times = tuple(k / hz for k in range(len(values)))
    return SensorChannel(name=name, times_s=times, values=tuple(values), statuses=(status,) * len(values))


def window(*channels: SensorChannel, at_s: float = 0) -> SensorWindow:
    return SensorWindow(
        triggered_at=START + timedelta(seconds=at_s), before_s=0.5, after_s=0.5, channels=channels
    )  # fmt: skip


def quiet(seed: int, level: float = 5.0, count: int = 50) -> list[float]:
    return (level + 0.1 * np.random.default_rng(seed).standard_normal(count)).tolist()


def pump(seed: int, *, pressure_too: float = 0.0) -> SensorWindow:
    """Current and pressure rise and fall together from window to window; temperature comes twice a second."""
    load = np.random.default_rng(1000 + seed).standard_normal()
    return window(
        channel(quiet(seed, 10 + load), "Current"),
        channel(quiet(100 + seed, 20 + load + pressure_too), "Pressure"),
        channel(quiet(200 + seed, 40, count=2), "Temperature", hz=2),
        at_s=seed,
    )


def tone(seed: int, *, hz: float = 4.0, amplitude: float = 1.0) -> SensorWindow:
    """A second of a sine of any phase, at 200 Hz, with a little noise."""
    rng = np.random.default_rng(seed)
    phase = 2 * np.pi * (hz * np.arange(200) / 200 + rng.random())
    values = 5 + amplitude * np.sin(phase) + 0.05 * rng.standard_normal(200)
    return window(channel(values.tolist(), hz=200), at_s=seed)


def flagged(memory: SensorMemory, scores: Sequence[float], windows: Sequence[SensorWindow]) -> int:
    limit = normal_threshold(calibrate(scores), 0.01).value
    return sum(scored(memory, each) > limit for each in windows)


def scored(memory: SensorMemory, found: SensorWindow) -> float:
    score = memory.score(found)
    assert score is not None
    return score


def test_a_burst_and_a_shifted_level_stand_out_and_a_good_window_does_not():
    references = [window(channel(quiet(k)), channel(quiet(100 + k, 40), "Temperature"), at_s=k) for k in range(24)]
    memory, scores = build_sensor_memory(references, SETTINGS)
    burst = quiet(50)
    burst[20:24] = [9.0, 1.0, 9.0, 1.0]
    good = scored(memory, window(channel(quiet(51)), channel(quiet(52, 40), "Temperature")))
    burst_score = scored(memory, window(channel(burst), channel(quiet(52, 40), "Temperature")))
    hot_score = scored(memory, window(channel(quiet(51)), channel(quiet(52, 45), "Temperature")))
    assert np.mean(scores) == pytest.approx(1.0, rel=0.3)  # 1 = a typical good window
    assert good < 1.5 * max(scores)
    assert burst_score > 2 * max(scores)
    assert hot_score > 2 * max(scores)


def test_channels_that_no_longer_move_together_stand_out_though_each_is_within_its_range():
    memory, scores = build_sensor_memory([pump(k) for k in range(32)], SETTINGS)
    highest = max(scores)
    # Loads of good windows span about -2 to 2; here the pressure alone is 2.5 too high for its current.
    odd = [scored(memory, pump(k, pressure_too=2.5)) for k in range(500, 520)]
    good = [scored(memory, pump(k)) for k in range(600, 620)]
    assert np.mean(np.array(odd) > highest) > 0.6
    assert np.mean(np.array(good) > highest) < 0.2


def test_a_slow_channel_is_judged_by_its_level():
    memory, scores = build_sensor_memory([pump(k) for k in range(24)], SETTINGS)
    cold = pump(700)
    heated = cold.model_copy(
        update={"channels": (*cold.channels[:2], channel([46.0, 46.1], "Temperature", hz=2))}
    )  # fmt: skip
    assert scored(memory, heated) > 2 * max(scores)


def test_a_frozen_channel_stands_out():
    memory, scores = build_sensor_memory([window(channel(quiet(k)), at_s=k) for k in range(24)], SETTINGS)
    assert scored(memory, window(channel([5.0] * 50))) > 2 * max(scores)


def test_a_machine_with_two_normal_states_is_normal_in_either_and_not_between():
    references = [window(channel(quiet(k, 5.0 if k % 3 else 15.0)), at_s=k) for k in range(48)]
    memory, scores = build_sensor_memory(references, SETTINGS)
    assert scored(memory, window(channel(quiet(900, 15.0)))) <= max(scores)
    assert scored(memory, window(channel(quiet(901, 5.0)))) <= max(scores)
    assert memory.levels.distance(np.array([memory.levels.bank.mean()])) > 0.5


def test_of_two_normal_amplitudes_either_is_normal_and_one_between_below_or_above_is_not():
    references = [tone(k, amplitude=0.5 if k % 3 else 8.0) for k in range(48)]
    memory, scores = build_sensor_memory(references, SETTINGS)
    found = {
        amplitude: flagged(memory, scores, [tone(900 + k, amplitude=amplitude) for k in range(20)])
        for amplitude in (0.5, 8.0, 0.1, 2.0, 30.0)
    }
    assert found == {0.5: 0, 8.0: 0, 0.1: 20, 2.0: 20, 30.0: 20}


def test_of_two_normal_frequencies_either_is_normal_and_neither_another_nor_both_at_once():
    memory, scores = build_sensor_memory([tone(k, hz=4 if k % 2 else 80) for k in range(48)], SETTINGS)
    found = {hz: flagged(memory, scores, [tone(900 + k, hz=hz) for k in range(20)]) for hz in (4, 80, 20, 40)}
    assert found == {4: 0, 80: 0, 20: 20, 40: 20}
    both = []
    for k in range(20):
        slow, fast = (np.array(tone(k, hz=hz).channels[0].values) for hz in (4, 80))
        both.append(window(channel((slow + fast - 5).tolist(), hz=200)))
    assert flagged(memory, scores, both) == 20


def test_states_are_told_channels_together():
    def machine(seed: int, *amplitudes: float) -> SensorWindow:
        tones = [tone(1000 * n + seed, amplitude=a).channels[0] for n, a in enumerate(amplitudes)]
        return window(*(t.model_copy(update={"name": f"Motor{n}"}) for n, t in enumerate(tones)), at_s=seed)

    references = [machine(k, 0.5, 8.0) if k % 2 else machine(k, 8.0, 0.5) for k in range(48)]
    memory, scores = build_sensor_memory(references, SETTINGS)
    assert flagged(memory, scores, [machine(900 + k, 0.5, 8.0) for k in range(20)]) <= 1  # of 20, at a rate of 1 %
    # Either amplitude is normal for either motor, but never for both at once.
    assert flagged(memory, scores, [machine(900 + k, 8.0, 8.0) for k in range(20)]) == 20


def test_a_score_left_out_does_not_know_its_own_window():
    references = [window(channel(quiet(k)), at_s=k) for k in range(8)] + [window(channel(quiet(9, level=9.0)), at_s=9)]
    _, scores = build_sensor_memory(references, SETTINGS)
    assert scores[-1] > 2 * max(scores[:-1])


def test_references_are_judged_in_order_of_time_whatever_their_order():
    references = [pump(k) for k in range(20)]
    memory, scores = build_sensor_memory(references, SETTINGS)
    again, same = build_sensor_memory(references[::-1], SETTINGS)
    assert scores == same
    assert scored(memory, pump(700)) == scored(again, pump(700))


def test_a_drifting_channel_is_calibrated_on_what_its_past_did_not_show():
    drift = [window(channel(quiet(k, 5 + 0.05 * k)), at_s=k) for k in range(40)]
    mixed = [
        one.model_copy(update={"triggered_at": START + timedelta(seconds=k)})
        for k, one in zip(np.random.default_rng(0).permutation(40).tolist(), drift, strict=True)
    ]
    raw = [max(build_sensor_memory(each, SETTINGS)[0].typical) for each in (drift, mixed)]
    assert raw[0] > raw[1]


def test_an_unknown_channel_and_a_lost_one_are_left_out_of_the_score():
    memory, _ = build_sensor_memory([window(channel(quiet(k)), at_s=k) for k in range(8)], SETTINGS)
    alone, more = scored(memory, window(channel(quiet(9)))), window(channel(quiet(9)), channel([1e9] * 50, "Unknown"))
    assert memory.score(more) == alone
    assert memory.score(window(channel([1.0] * 50, "Unknown"))) is None


def test_a_bad_channel_counts_as_a_lost_one():
    memory, _ = build_sensor_memory([pump(k) for k in range(24)], SETTINGS)
    whole = pump(700)
    lost = whole.model_copy(update={"channels": whole.channels[:2]})
    bad = whole.model_copy(update={"channels": (*whole.channels[:2], channel([0.0] * 9, "Temperature", status=BAD))})
    assert memory.score(bad) == scored(memory, lost)


def test_a_channel_that_some_references_lack_is_remembered_from_the_others():
    references = [
        window(channel(quiet(k)), *([channel(quiet(50 + k, 40), "Temperature")] if k % 2 else []), at_s=k)
        for k in range(16)
    ]
    memory, scores = build_sensor_memory(references, SETTINGS)
    assert len(scores) == 16
    hot = window(channel(quiet(51)), channel(quiet(52, 60), "Temperature"))
    assert scored(memory, hot) > 2 * max(scores)


def test_a_memory_survives_its_tensors():
    memory, _ = build_sensor_memory([pump(k) for k in range(20)], SETTINGS)
    tensors = memory.tensors()
    assert {name: tensor.shape for name, tensor in tensors.items()} == {
        "sensor.shape.Current": (1, 3, len(FEATURES)),
        "sensor.shape.Pressure": (1, 3, len(FEATURES)),
        "sensor.shape.Temperature": (1, 3, len(FEATURES)),
        "sensor.levels": (20, 3),
        "sensor.metric": (3, 3),
        "sensor.typical": (2,),
    }
    assert SensorMemory.from_tensors(tensors).score(pump(700)) == pytest.approx(scored(memory, pump(700)), rel=1e-4)


def test_a_bank_is_bounded_whatever_the_number_of_references():
    levels = build_sensor_memory([window(channel([float(k % 7)] * 2), at_s=k) for k in range(600)], SETTINGS)[0].levels
    assert levels.bank.shape == (512, 1)


def test_a_constant_channel_does_not_alarm_on_its_last_digit():
    memory, scores = build_sensor_memory([window(channel([40.0] * 50), at_s=k) for k in range(8)], SETTINGS)
    limit = normal_threshold(calibrate(scores), 0.01).value
    assert scored(memory, window(channel([40.001] * 50))) < limit  # the floor is 1 % of the level, 0.4
    assert scored(memory, window(channel([42.0] * 50))) > limit


def test_without_windows_there_is_no_memory_to_speak_of():
    memory, scores = build_sensor_memory([], SETTINGS)
    assert scores == []
    assert memory.score(window(channel(quiet(0)))) is None


def test_without_a_memory_the_largest_excursion_counts():
    values = quiet(1)
    values[10] = 105.0
    found = excursion_sigma(window(channel(values)))
    assert found is not None
    assert found > 500
    assert excursion_sigma(window(channel([1.0] * 3))) is None
