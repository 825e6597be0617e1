from pathlib import Path

import numpy as np
import pytest

from models.evaluate.sensors.alarms import figures_of, total
from models.evaluate.sensors.bearing import (
    INNER_PER_TURN,
    OUTER_PER_TURN,
    VibrationRecord,
    compare_records,
    race_lines,
    read_records,
)
from models.evaluate.sensors.scorers import LargestZ, MemoryScorer, Scored
from models.evaluate.sensors.series import Series, SeriesColumns, read_series
from models.evaluate.sensors.session import SeriesProtocol, run_series
from models.evaluate.sensors.split import Split, learned_and_tested
from models.evaluate.sensors.windows import window_at
from models.memory.sensor_memory import SensorSettings
from wire.errors import ConfigurationError

SETTINGS = SensorSettings(relative_floor=0.01, zero_shot_sigma=None)


def series(anomalous: list[tuple[int, int]], count: int = 600, name: str = "pump") -> Series:
    """Two channels of noise, once a second; the first is 3 sigma higher in the anomalous rows [start, end)."""
    values = np.random.default_rng(0).standard_normal((count, 2)) + 10
    labels = np.zeros(count, np.bool_)
    for start, end in anomalous:
        labels[start:end] = True
    values[labels, 0] += 3
    times = 1e9 + np.arange(count, dtype=np.float64)
    return Series(name=name, channels=("a", "b"), times_s=times, values=values, anomalous=labels)


def write(folder: Path, one: Series, name: str) -> None:
    rows = [f"{t:.0f};{a};{b};{int(y)};0" for t, (a, b), y in zip(one.times_s, one.values, one.anomalous, strict=True)]
    (folder / name).write_text("\n".join(["datetime;a;b;anomaly;changepoint", *rows]), encoding="utf-8")


def test_alarms_are_counted_by_hand():
    one = series([(10, 14)], count=24)
    rows = np.arange(4, 24)
    scores = np.zeros(20)
    # Rows 5 and 6: one false alarm. 12: detected after 2 s. 15: the event's echo within 3 s. 20: another false alarm.
    scores[np.array([5, 6, 12, 15, 20]) - 4] = 2.0
    found = figures_of(one, rows, Scored(scores=scores, threshold=1.0), window_s=3.0)
    assert (found.delays_s, found.missed, found.false_alarms) == ((2.0,), 0, 2)
    assert (found.true_rows, found.false_rows, found.missed_rows, found.quiet_rows) == (1, 4, 3, 12)
    # 16 normal rows less the two in (13 s, 16 s); the first tested row has no step before it.
    assert (found.normal_rows_counted, found.normal_rows_alarmed, found.normal_s) == (14, 3, 13.0)
    assert found.f1 == pytest.approx(2 / (2 + 4 + 3))
    # Pairs of anomalous and normal: 1 * (12 + 4 / 2) + 3 * (12 / 2) of 4 * 16.
    assert found.auroc == pytest.approx((12 + 2 + 18) / 64)


def test_an_event_without_an_alarm_is_missed_and_sums_keep_every_delay():
    one = series([(10, 14)], count=24)
    rows = np.arange(4, 24)
    quiet = figures_of(one, rows, Scored(scores=np.zeros(20), threshold=1.0), window_s=3.0)
    loud = figures_of(one, rows, Scored(scores=np.ones(20), threshold=0.5), window_s=3.0)
    both = total([quiet, loud], "all")
    assert (quiet.missed, quiet.delays_s) == (1, ())
    assert (both.events, both.missed, both.delays_s, both.auroc) == (2, 1, (0.0,), 0.5)


def test_a_window_ends_with_its_row_and_leaves_empty_cells_out():
    one = series([])
    one.values[97, 1] = np.nan
    window = window_at(one, 100, 5.0)
    first, second = window.channels
    assert first.times_s == (-4.0, -3.0, -2.0, -1.0, 0.0)
    assert second.times_s == (-4.0, -2.0, -1.0, 0.0)
    assert first.values[-1] == one.values[100, 0]


def test_the_beginning_is_learned_and_the_rest_tested():
    learned, rows = learned_and_tested(series([(450, 500)]), Split.BEGINNING, 400, 30.0)
    assert learned.sum() == 400
    assert rows.tolist() == list(range(400, 600))
    early, rows = learned_and_tested(series([(100, 150)]), Split.BEGINNING, 400, 30.0)
    assert np.flatnonzero(early).tolist() == list(range(100))
    assert rows[0] == 400


def test_alternate_blocks_never_share_a_sample_between_learned_and_tested_windows():
    one = series([(700, 760)], count=2000)
    learned, rows = learned_and_tested(one, Split.ALTERNATE, 400, 30.0)
    assert not learned[rows].any()
    assert not learned[671:789].any()
    assert set(range(700, 760)) <= set(rows.tolist())
    for row in rows.tolist():
        assert one.anomalous[row] or not learned[row - 29 : row + 1].any()


def test_the_memory_finds_the_event_and_keeps_its_rate_on_noise():
    one = series([(900, 1000)], count=1500)
    learned, rows = learned_and_tested(one, Split.BEGINNING, 600, 20.0)
    scored = MemoryScorer(settings=SETTINGS, window_s=20.0).score(one, learned, rows, 0.01)
    found = figures_of(one, rows, scored, 20.0)
    assert found.missed == 0
    assert found.median_delay_s <= 20
    assert found.normal_share_alarmed < 0.03


def test_the_baseline_resolves_its_rate_on_the_learned_rows():
    one = series([])
    learned, rows = learned_and_tested(one, Split.BEGINNING, 400, 30.0)
    scored = LargestZ().score(one, learned, rows, 0.05)
    assert float(np.mean(scored.scores > scored.threshold)) == pytest.approx(0.05, abs=0.045)
    assert LargestZ(channel="b").name == "|z| of b"


def test_a_folder_is_read_learned_and_summed_by_files_with_and_without_events(tmp_path: Path):
    write(tmp_path, series([(450, 520)]), "one.csv")
    write(tmp_path, series([]), "two.csv")
    write(tmp_path, series([], count=60), "short.csv")
    found = run_series(SeriesProtocol(dataset=tmp_path, window_s=20.0, channels_alone=True), lambda _: None)
    assert found.left_out == {"short.csv": "4 windows to learn from, 0 rows to test"}
    assert [one.scorer for one in found.results] == ["sensor memory", "largest |z| of a row", "|z| of a", "|z| of b"]
    memory = found.results[0]
    assert [one.name for one in memory.series] == ["one.csv", "two.csv"]
    assert (memory.with_events.events, memory.with_events.missed, memory.without_events.events) == (1, 0, 0)
    by_channel = {one.scorer: one.with_events.auroc for one in found.results}
    assert by_channel["|z| of a"] > 0.9 > 0.6 > by_channel["|z| of b"]


def test_wrong_files_are_named_all_at_once(tmp_path: Path):
    (tmp_path / "a.csv").write_text("time;x\n1;2\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("datetime;x\n1;two\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        read_series(tmp_path, SeriesColumns())
    assert "a.csv: no column 'datetime' among time, x" in caught.value.problems[0]
    assert "b.csv: could not convert" in caught.value.problems[1]


def test_a_folder_without_series_or_with_short_ones_alone_is_refused(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"holds no \.csv file"):
        read_series(tmp_path, SeriesColumns())
    write(tmp_path, series([], count=60), "short.csv")
    with pytest.raises(ConfigurationError, match=r"short\.csv: 2 windows to learn from, 0 rows to test"):
        run_series(SeriesProtocol(dataset=tmp_path), lambda _: None)


def knocking(per_turn: float, seed: int, loudness: float = 4.0) -> VibrationRecord:
    """Two seconds of a shaft at 25 Hz whose bearing rings at 3 kHz whenever a ball passes the damage."""
    times = np.arange(40_000) / 20_000
    since = times % (1 / (per_turn * 25))
    values = loudness * np.exp(-since / 1e-3) * np.sin(2 * np.pi * 3000 * since)
    values += np.random.default_rng(seed).standard_normal(times.size)
    return VibrationRecord(name=f"{per_turn:.1f}", values=values, rate_hz=20_000.0, shaft_hz=25.0, load=0.0)


def test_the_damaged_race_shows_in_the_envelope():
    assert (OUTER_PER_TURN * 25, INNER_PER_TURN * 25) == pytest.approx((81.12, 118.88), abs=0.01)
    outer, inner = race_lines(knocking(OUTER_PER_TURN, 0)), race_lines(knocking(INNER_PER_TURN, 1))
    assert outer.outer > 10 > 5 > outer.inner
    assert inner.inner > 10 > 5 > inner.outer


def test_another_damage_alarms_and_the_same_does_not():
    records = [knocking(OUTER_PER_TURN, 0), knocking(INNER_PER_TURN, 1, loudness=8.0)]
    own, other, *_ = compare_records(records, SETTINGS, window_s=0.1, rate=0.05)
    assert (own.windows, other.windows) == (10, 20)
    assert own.share_alarmed <= 0.2
    assert other.share_alarmed == 1.0
    assert other.auroc == 1.0


def test_a_matlab_file_of_something_else_is_refused(tmp_path: Path):
    (tmp_path / "x.mat").write_bytes(b"no matlab")
    with pytest.raises(ConfigurationError, match=r"x\.mat: no struct 'bearing' with gs, sr, load, rate"):
        read_records(tmp_path)


@pytest.mark.slow
def test_a_pump_whose_valve_closes_is_noticed(data_dir: Path):
    # Four real files of a water pump; measured: AUROC 0.92, all four noticed.
    found = run_series(SeriesProtocol(dataset=data_dir / "skab_sensors" / "valve2"), lambda _: None)
    memory = found.results[0].with_events
    assert (memory.events, memory.missed) == (4, 0)
    assert memory.auroc is not None
    assert memory.auroc > 0.8


@pytest.mark.slow
def test_real_bearings_show_which_race_is_damaged(data_dir: Path):
    lines = {one.record: one for one in map(race_lines, read_records(data_dir / "mfpt_vibration"))}
    assert len(lines) == 3
    for name, found in lines.items():
        damaged, sound = (found.outer, found.inner) if name.startswith("Outer") else (found.inner, found.outer)
        assert damaged > 10 > 5 > sound
