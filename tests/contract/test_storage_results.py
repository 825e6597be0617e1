"""ResultSink: one row per part, whatever is delivered how often in which order."""

import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.exc import IntegrityError

from storage.database import Database
from storage.history import History
from storage.migrate import migrate
from storage.result_batch import ResultBatch
from storage.results import ResultSink
from storage.schema import (
    inspection_keys,
    inspections,
    metadata,
    modality_verdicts,
    regions,
    reports,
    unused_objects,
)
from tests.components.postgres import RealPostgres
from tests.unit.storage.examples import (
    LINE,
    disposition,
    evidence,
    inspection,
    loss,
    part_key,
    part_time,
    region,
    report,
)
from wire.errors import DatabaseUnavailable
from wire.finding import Verdict
from wire.ledger import Outcome


@pytest.fixture
def sink(database: Database) -> ResultSink:
    return ResultSink(database)


@pytest.fixture
def history(database: Database) -> History:
    return History(database)


def count(database: Database, name: str) -> int:
    with database.begin_read() as connection:
        return connection.execute(select(func.count()).select_from(metadata.tables[name])).scalar_one()


def rows(database: Database, name: str) -> list[dict[str, Any]]:
    with database.begin_read() as connection:
        return [dict(row) for row in connection.execute(select(metadata.tables[name])).mappings()]


def test_an_inspection_comes_back_as_it_was_written(sink: ResultSink, history: History) -> None:
    written = inspection(
        7,
        verdict=Verdict.DEFECT,
        missing=("sensor",),
        regions=[region(0), region(1, "dent", modality="depth")],
        part_id="Teil\t7\\n 'ä' \"x\"\n",
        score=float("inf"),
    )
    counts = sink.write(ResultBatch(inspections=[written]))
    stored = history.get(written.inspection_id)
    assert stored is not None
    assert stored.inspection == written
    assert stored.stored_at == counts.stored_at
    assert stored.report is None
    assert stored.feedback == ()


def test_every_table_gets_the_values_of_its_columns(database: Database) -> None:
    stamp = datetime(2025, 3, 14, 7, 0, 0, 250_000, tzinfo=UTC)
    sink = ResultSink(database, now=lambda: stamp)
    written = inspection(3, verdict=Verdict.DEFECT, judged=("rgb",), missing=("depth",), regions=[region(4, "dent")])
    sink.write(ResultBatch(inspections=[written]))
    (row,) = rows(database, "inspections")
    assert row.pop("document") == written.to_json().decode()
    # The first frame was captured 5 ms after the trigger, which was 300 ms after half past six.
    assert row.pop("latency_s") == pytest.approx(1800.25 - 0.305, abs=1e-9)
    assert row == {
        "inspection_id": part_key(3),
        "captured_at": part_time(3),
        "stored_seq": 1,
        "stored_at": stamp,
        "line": LINE,
        "product": "bracket",
        "part_id": "P000003",
        "trigger_session": "plc-1",
        "job": "J-7",
        "recipe": "night",
        "verdict": "defect",
        "score": 1.5,
        "threshold": 3.0,
        "mode": "memory",
        "is_partial": True,
        "is_simulated": False,
        "result_state": "Completed",
        "state_version": 3,
        "model_digest": "m" * 64,
    }
    assert sorted(rows(database, "modality_verdicts"), key=lambda each: each["modality"]) == [
        {
            "inspection_id": part_key(3), "modality": "depth", "state": "missing", "verdict": "unknown", "score": None,
            "threshold": None, "mode": None, "deviation": None,
        },
        {
            "inspection_id": part_key(3), "modality": "rgb", "state": "used", "verdict": "defect", "score": 1.25,
            "threshold": 2.5, "mode": "memory", "deviation": 0.5,
        },
    ]  # fmt: skip
    (found,) = rows(database, "regions")
    assert found.pop("facts") == region(4).facts.to_json().decode()
    assert found == {
        "inspection_id": part_key(3), "modality": "rgb", "region_index": 4, "line": LINE, "captured_at": part_time(3),
        "type": "dent", "type_probability": 0.625, "x0_px": 14, "y0_px": 20, "x1_px": 44, "y1_px": 25, "area_px": 130,
        "score": 7.25,
    }  # fmt: skip


def test_a_moment_with_an_offset_is_stored_as_the_same_instant(
    database: Database, sink: ResultSink, history: History
) -> None:
    noon_east = datetime(2025, 7, 1, 12, 0, 0, 1, tzinfo=timezone(timedelta(hours=2)))
    sink.write(ResultBatch(inspections=[inspection(1, captured_at=noon_east)]))
    (row,) = rows(database, "inspections")
    assert row["captured_at"] == datetime(2025, 7, 1, 10, 0, 0, 1, tzinfo=UTC)
    assert row["captured_at"].utcoffset() == timedelta(0)
    stored = history.get(part_key(1))
    assert stored is not None
    assert stored.inspection.captured_at == noon_east
    assert stored.stored_at.utcoffset() == timedelta(0)


def test_a_repeated_delivery_changes_nothing_and_is_counted(database: Database, sink: ResultSink) -> None:
    first = sink.write(ResultBatch(inspections=[inspection(1), inspection(2)]))
    before = {name: rows(database, name) for name in ("inspections", "modality_verdicts", "regions", "verdict_totals")}
    again = sink.write(ResultBatch(inspections=[inspection(2), inspection(3), inspection(1), inspection(3)]))
    assert [each.part_id for each in first.inserted] == ["P000001", "P000002"]
    assert [each.part_id for each in again.inserted] == ["P000003"]
    assert (again.replaced, again.redelivered, again.redelivered_by_line) == (0, 3, {LINE: 3})
    after = {name: [row for row in rows(database, name) if row in before[name]] for name in before}
    assert after["inspections"] == before["inspections"]
    assert count(database, "inspections") == count(database, "inspection_keys") == 3


def test_a_result_that_judged_more_replaces_all_rows_of_the_one_that_judged_less(
    database: Database, sink: ResultSink, history: History
) -> None:
    partial = inspection(
        5, judged=("rgb",), missing=("depth",), verdict=Verdict.DEFECT, regions=[region(0), region(1)],
        refs=[evidence("shared.png"), evidence("old.png")],
    )  # fmt: skip
    complete = inspection(5, judged=("rgb", "depth"), regions=(), refs=[evidence("shared.png"), evidence("new.png")])
    sink.write(ResultBatch(inspections=[partial]))
    counts = sink.write(ResultBatch(inspections=[complete]))
    assert (list(counts.inserted), counts.replaced, counts.redelivered) == ([], 1, 0)
    stored = history.get(part_key(5))
    assert stored is not None
    assert stored.inspection == complete
    assert stored.stored_seq == 2
    assert count(database, "regions") == 0
    assert sorted(row["modality"] for row in rows(database, "modality_verdicts")) == ["depth", "rgb"]
    assert sorted(row["ref"] for row in rows(database, "unused_objects")) == ["evidence/old.png", "evidence/shared.png"]
    assert history.verdict_counts() == {Verdict.OK: 1, Verdict.DEFECT: 0, Verdict.UNKNOWN: 0}


def test_a_result_that_judged_less_or_as_much_never_replaces(sink: ResultSink, history: History) -> None:
    complete = inspection(5, judged=("rgb", "depth"))
    sink.write(ResultBatch(inspections=[complete]))
    partial = inspection(5, judged=("rgb",), missing=("depth",), verdict=Verdict.DEFECT)
    other = inspection(5, judged=("rgb", "sensor"), verdict=Verdict.DEFECT)
    counts = sink.write(ResultBatch(inspections=[partial, other]))
    assert (counts.replaced, counts.redelivered) == (0, 2)
    stored = history.get(part_key(5))
    assert stored is not None
    assert stored.inspection == complete


def test_the_best_of_a_batch_is_kept_wherever_it_stands(sink: ResultSink, history: History) -> None:
    worse, best = inspection(5, judged=("rgb",)), inspection(5, judged=("rgb", "depth", "sensor"))
    counts = sink.write(ResultBatch(inspections=[worse, best, inspection(5, judged=("rgb", "depth"))]))
    assert list(counts.inserted) == [best]
    assert (counts.replaced, counts.redelivered) == (0, 2)


def test_one_row_per_part_even_when_deliveries_disagree_about_its_time(
    database: Database, sink: ResultSink, history: History
) -> None:
    partial = inspection(5, judged=("rgb",))
    months_later = inspection(5, captured_at=part_time(5) + timedelta(days=70))
    sink.write(ResultBatch(inspections=[partial]))
    sink.write(ResultBatch(inspections=[months_later]))
    assert [row["captured_at"] for row in rows(database, "inspections")] == [part_time(5)]
    stored = history.get(part_key(5))
    assert stored is not None
    assert stored.inspection == months_later.model_copy(update={"captured_at": part_time(5)})


def test_the_database_itself_refuses_a_second_row(database: Database, sink: ResultSink) -> None:
    sink.write(ResultBatch(inspections=[inspection(5)]))
    (row,) = rows(database, "inspections")
    for moment in (row["captured_at"], row["captured_at"] + timedelta(days=70)):
        with pytest.raises(IntegrityError), database.begin_write() as connection:
            connection.execute(inspections.insert().values({**row, "captured_at": moment}))
    with pytest.raises(IntegrityError), database.begin_write() as connection:
        connection.execute(
            inspection_keys.insert().values(inspection_id=part_key(5), captured_at=part_time(6), judged=9)
        )
    with pytest.raises(IntegrityError), database.begin_write() as connection:
        connection.execute(modality_verdicts.insert().values(
            inspection_id=part_key(6), modality="rgb", state="used", verdict="ok"
        ))  # fmt: skip


def test_a_report_may_come_before_its_inspection_and_the_newest_stays(sink: ResultSink, history: History) -> None:
    assert sink.write(ResultBatch(reports=[report(1, summary="second", created_after_s=9)])).reports == 1
    counts = sink.write(
        ResultBatch(inspections=[inspection(1), inspection(2)], reports=[report(1, summary="first"), report(2)])
    )
    assert counts.reports == 1
    stored = history.get(part_key(1))
    assert stored is not None
    assert stored.report == report(1, summary="second", created_after_s=9)
    assert sink.write(ResultBatch(reports=[report(2), report(2, summary="later", created_after_s=3)])).reports == 1


def test_a_batch_of_everything_may_be_written_again_and_again(database: Database, sink: ResultSink) -> None:
    batch = ResultBatch(
        inspections=[inspection(1, verdict=Verdict.DEFECT, regions=[region(0)])],
        reports=[report(1)],
        dispositions=[disposition(f"{LINE}/rgb", 4, Outcome.LATE)],
        losses=[loss(3, 5)],
    )
    assert sink.write(batch).dispositions == 1
    before = {name: count(database, name) for name in metadata.tables}
    counts = sink.write(batch)
    assert (counts.redelivered, counts.reports, counts.dispositions) == (1, 0, 0)
    assert {name: count(database, name) for name in metadata.tables} == before


def test_an_empty_batch_is_no_work(sink: ResultSink) -> None:
    counts = sink.write(ResultBatch())
    assert (list(counts.inserted), counts.replaced, counts.redelivered) == ([], 0, 0)


def test_text_that_postgres_cannot_store_does_not_stop_the_line(sink: ResultSink, history: History) -> None:
    odd = inspection(1, part_id="P\x001", product="br\x00cket", regions=[region(0, "scr\x00tch")])
    sink.write(ResultBatch(inspections=[odd]))
    stored = history.get(part_key(1))
    assert stored is not None
    assert stored.inspection == odd


def test_results_become_visible_in_the_order_of_their_numbers(
    database: Database, database_url: str, history: History
) -> None:
    """A second writer that would overtake waits until the first has committed."""
    holding, may_commit = threading.Event(), threading.Event()
    slow_database = Database(database_url)
    slow_sink = ResultSink(slow_database)
    slow_sink.write(ResultBatch(inspections=[inspection(0)]))

    def hold(_connection: object) -> None:
        holding.set()
        may_commit.wait(timeout=30)

    event.listen(slow_database.engine, "commit", hold)
    slow = threading.Thread(target=lambda: slow_sink.write(ResultBatch(inspections=[inspection(1)])))
    fast = threading.Thread(target=lambda: ResultSink(database).write(ResultBatch(inspections=[inspection(2)])))
    slow.start()
    assert holding.wait(timeout=30)
    fast.start()
    fast.join(timeout=0.2)
    seen_before = [each.stored_seq for each in history.stored_after(0, 10)]
    may_commit.set()
    slow.join()
    fast.join()
    slow_database.close()
    assert seen_before == [1]
    assert [each.inspection.part_id for each in history.stored_after(1, 10)] == ["P000001", "P000002"]
    assert history.newest_seq() == 3


def test_writers_of_the_same_results_end_with_one_row_each(database: Database, history: History) -> None:
    parts = list(range(40))
    failures: list[BaseException] = []
    inserted: list[str] = []
    lock = threading.Lock()

    def write(step: int, judged: tuple[str, ...]) -> None:
        sink = ResultSink(database)
        ordered = parts[::step]
        for at in range(0, len(ordered), 8):
            batch = ResultBatch(inspections=[inspection(number, judged=judged) for number in ordered[at : at + 8]])
            try:
                counts = sink.write(batch)
            except BaseException as error:
                failures.append(error)
                return
            with lock:
                inserted.extend(each.part_id for each in counts.inserted)

    threads = [
        threading.Thread(target=write, args=arguments)
        for arguments in ((1, ("rgb",)), (-1, ("rgb", "depth")), (1, ("rgb", "depth", "sensor")), (-1, ("rgb",)))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(inserted) == [f"P{number:06}" for number in parts]
    assert count(database, "inspections") == count(database, "inspection_keys") == 40
    assert count(database, "modality_verdicts") == 120
    assert history.verdict_counts() == {Verdict.OK: 40, Verdict.DEFECT: 0, Verdict.UNKNOWN: 0}


def test_a_violated_constraint_is_a_bug_and_leaves_nothing(database: Database, sink: ResultSink) -> None:
    twice = inspection(1, regions=[region(0), region(0)])
    with pytest.raises(Exception, match=r"(?i)unique") as caught:
        sink.write(ResultBatch(inspections=[inspection(0), twice], reports=[report(0)]))
    assert not isinstance(caught.value, DatabaseUnavailable)
    for table in (inspections, inspection_keys, modality_verdicts, regions, reports, unused_objects):
        assert count(database, table.name) == 0


def test_a_locked_sqlite_database_is_unavailable(sqlite_template: Path, tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'lineside.db'}")
    (tmp_path / "lineside.db").write_bytes(sqlite_template.read_bytes())
    with database.begin_write():
        other = Database(f"sqlite:///{tmp_path / 'lineside.db'}")
        event.listen(other.engine, "connect", lambda raw, _: raw.execute("PRAGMA busy_timeout = 1"))
        with pytest.raises(DatabaseUnavailable, match="OperationalError: database is locked"):
            ResultSink(other).write(ResultBatch(inspections=[inspection(1)]))
        other.close()
    database.close()


def test_a_full_disk_is_unavailable_and_leaves_no_half_batch(sqlite_template: Path, tmp_path: Path) -> None:
    (tmp_path / "lineside.db").write_bytes(sqlite_template.read_bytes())
    database = Database(f"sqlite:///{tmp_path / 'lineside.db'}")
    sink = ResultSink(database)

    def allow(pages: int) -> None:
        with database.engine.connect() as connection:
            connection.execute(text(f"PRAGMA max_page_count = {pages}"))

    with database.engine.connect() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()
    allow(pages + 20)
    big = [inspection(number) for number in range(400)]
    with pytest.raises(DatabaseUnavailable, match="OperationalError: database or disk is full"):
        sink.write(ResultBatch(inspections=big))
    assert count(database, "inspections") == count(database, "modality_verdicts") == 0
    allow(1_000_000)
    assert len(sink.write(ResultBatch(inspections=big)).inserted) == 400
    database.close()


@pytest.mark.postgres
@pytest.mark.slow
def test_a_postgres_that_went_away_is_unavailable_until_it_comes_back(own_postgres: RealPostgres) -> None:
    url = own_postgres.fresh_database()
    migrate(url)
    database = Database(url)
    sink = ResultSink(database)
    sink.write(ResultBatch(inspections=[inspection(1)]))
    own_postgres.stop()
    with pytest.raises(DatabaseUnavailable):
        sink.write(ResultBatch(inspections=[inspection(2)]))
    own_postgres.start()
    assert len(sink.write(ResultBatch(inspections=[inspection(1), inspection(2)])).inserted) == 1
    database.close()


def test_a_result_is_kept_as_it_came(database: Database, sink: ResultSink, history: History) -> None:
    """A newer worker's field, unknown here, is still there when a newer reader comes."""
    best, worse = inspection(1), inspection(1, judged=("rgb",))
    came = best.to_json().replace(b'{"ResultId"', b'{"Humidity": 0.5, "ResultId"', 1)
    sink.write(ResultBatch(inspections=[worse, best], documents=[worse.to_json(), came]))
    (row,) = rows(database, "inspections")
    assert row["document"] == came.decode()
    stored = history.get(part_key(1))
    assert stored is not None
    assert stored.inspection == best


def test_documents_that_do_not_match_the_inspections_are_a_bug() -> None:
    with pytest.raises(ValueError, match="2 inspections with 1 documents"):
        ResultBatch(inspections=[inspection(1), inspection(2)], documents=[b"{}"])
