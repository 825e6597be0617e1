from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from storage.database import Database
from storage.history import History
from storage.history_filter import HistoryFilter
from storage.line_states import LineStateStore
from storage.objects import open_payload_store
from storage.references import ReferenceStore
from storage.result_batch import ResultBatch
from storage.results import ResultSink
from storage.statistics import Bucket, Latency, LearningLine, ParetoEntry
from tests.unit.storage.examples import LINE, START, inspection, line_state, part_key, part_time, region, report
from wire.errors import DecodeError
from wire.finding import Mode, Verdict
from wire.inspection import Inspection

OTHER_LINE = "plant1.hall2.line4"


@pytest.fixture
def history(database: Database) -> History:
    return History(database)


def write(database: Database, *inspections: Inspection) -> None:
    ResultSink(database).write(ResultBatch(inspections=inspections))


def numbers(history: History, limit: int = 50, **wanted: object) -> list[str]:
    page = history.page(HistoryFilter(**wanted), limit)  # type: ignore[arg-type]
    return [each.inspection.part_id for each in page.items]


def test_an_unknown_inspection_is_none(history: History) -> None:
    assert history.get(part_key(1)) is None


def test_pages_go_from_new_to_old_and_end(database: Database, history: History) -> None:
    write(database, *(inspection(number) for number in (3, 0, 4, 1, 2)))
    first = history.page(HistoryFilter(), 2)
    second = history.page(HistoryFilter(), 2, first.next_cursor)
    third = history.page(HistoryFilter(), 2, second.next_cursor)
    assert [[each.inspection.part_id for each in page.items] for page in (first, second, third)] == [
        ["P000004", "P000003"],
        ["P000002", "P000001"],
        ["P000000"],
    ]
    assert third.next_cursor is None
    exactly_full = history.page(HistoryFilter(), 5)
    assert (len(exactly_full.items), exactly_full.next_cursor) == (5, None)


def test_pages_do_not_move_while_parts_arrive(database: Database, history: History) -> None:
    write(database, *(inspection(number) for number in range(0, 10, 2)))
    first = history.page(HistoryFilter(), 2)
    # Newer ones, and one between the rows that were shown.
    write(database, inspection(11), inspection(12), inspection(7))
    second = history.page(HistoryFilter(), 10, first.next_cursor)
    assert [each.inspection.part_id for each in first.items] == ["P000008", "P000006"]
    assert [each.inspection.part_id for each in second.items] == ["P000004", "P000002", "P000000"]


def test_parts_of_the_same_moment_are_neither_skipped_nor_repeated(database: Database, history: History) -> None:
    write(database, *(inspection(number, captured_at=START) for number in range(7)))
    seen: list[str] = []
    cursor = None
    while True:
        page = history.page(HistoryFilter(), 3, cursor)
        seen += [each.inspection.part_id for each in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sorted(seen) == [f"P{number:06}" for number in range(7)]


def test_a_foreign_cursor_is_refused(history: History) -> None:
    with pytest.raises(DecodeError, match="cursor: 'yesterday' is not the end of a page"):
        history.page(HistoryFilter(), 3, "yesterday")


def test_each_criterion_selects_its_parts(database: Database, history: History) -> None:
    write(
        database,
        inspection(0, score=1.0),
        inspection(1, score=2.0, verdict=Verdict.DEFECT, regions=[region(0, "scratch"), region(1, "dent")]),
        inspection(2, score=3.0, verdict=Verdict.DEFECT, regions=[region(0, "dent")], product="plate"),
        inspection(3, score=None, verdict=Verdict.UNKNOWN, judged=(), missing=("rgb",), mode=Mode.ZERO_SHOT),
        inspection(4, line=OTHER_LINE, score=9.0),
    )
    assert numbers(history) == ["P000004", "P000003", "P000002", "P000001", "P000000"]
    assert numbers(history, line=OTHER_LINE) == ["P000004"]
    assert numbers(history, product="plate") == ["P000002"]
    assert numbers(history, verdict=Verdict.DEFECT) == ["P000002", "P000001"]
    assert numbers(history, verdict=Verdict.UNKNOWN) == ["P000003"]
    assert numbers(history, verdict=Verdict.OK) == ["P000004", "P000000"]
    assert numbers(history, since=part_time(3)) == ["P000004", "P000003"]
    assert numbers(history, until=part_time(1)) == ["P000000"]
    assert numbers(history, part_id="P000002") == ["P000002"]
    assert numbers(history, defect_type="dent") == ["P000002", "P000001"]
    assert numbers(history, defect_type="scratch") == ["P000001"]
    assert numbers(history, min_score=2.0) == ["P000004", "P000002", "P000001"]
    assert numbers(history, mode=Mode.ZERO_SHOT) == ["P000003"]
    assert numbers(history, line=LINE, verdict=Verdict.DEFECT, min_score=2.5) == ["P000002"]


def test_answered_parts_are_told_from_those_that_wait(database: Database, history: History) -> None:
    write(database, *(inspection(number, verdict=Verdict.DEFECT) for number in range(4)), inspection(4))
    references = ReferenceStore(database)
    references.accept(LINE, "bracket", [part_key(1)], "eva", "a shadow", UUID(int=1))
    references.reject(LINE, "bracket", [part_key(3)], "eva", "", UUID(int=2))
    references.accept(LINE, "bracket", [part_key(0)], "lineside", "learned")  # no person's answer
    assert numbers(history, answered=True) == ["P000003", "P000001"]
    assert numbers(history, verdict=Verdict.DEFECT, answered=False) == ["P000002", "P000000"]


def test_counting_ends_where_it_was_told_to(database: Database, history: History) -> None:
    write(database, *(inspection(number) for number in range(5)), inspection(5, verdict=Verdict.DEFECT))
    assert history.count(HistoryFilter(verdict=Verdict.OK), 100) == 5
    assert history.count(HistoryFilter(verdict=Verdict.OK), 3) == 3
    assert history.count(HistoryFilter(line=OTHER_LINE), 3) == 0


def test_a_time_with_an_offset_asks_for_the_same_instant(database: Database, history: History) -> None:
    write(database, *(inspection(number) for number in range(3)))
    since = part_time(1).astimezone(timezone(timedelta(hours=-5)))
    assert numbers(history, since=since) == ["P000002", "P000001"]


def test_pages_bring_reports_along(database: Database, history: History) -> None:
    write(database, inspection(0), inspection(1))
    ResultSink(database).write(ResultBatch(reports=[report(1)]))
    assert [each.report for each in history.page(HistoryFilter(), 2).items] == [report(1), None]


def test_a_live_feed_continues_where_it_was(database: Database, history: History) -> None:
    write(database, inspection(5), inspection(3))
    feed = history.stored_after(0, 10)
    assert [(each.stored_seq, each.inspection.part_id) for each in feed] == [(1, "P000005"), (2, "P000003")]
    write(database, inspection(3), inspection(4))
    write(database, inspection(5, judged=("rgb", "depth", "sensor")))
    feed = history.stored_after(2, 10)
    assert [(each.stored_seq, each.inspection.part_id) for each in feed] == [(3, "P000004"), (4, "P000005")]
    assert [each.stored_seq for each in history.stored_after(2, 1)] == [3]
    assert history.newest_seq() == 4


def test_statistics_count_by_bucket_and_line(database: Database, history: History) -> None:
    at = datetime(2025, 3, 14, 6, 59, 50, tzinfo=UTC)
    write(
        database,
        inspection(0, captured_at=at, score=1.0),
        inspection(1, captured_at=at + timedelta(seconds=9.999), score=2.5, verdict=Verdict.DEFECT),
        inspection(2, captured_at=at + timedelta(seconds=10), score=4.0),
        inspection(3, captured_at=at + timedelta(seconds=11), score=None, verdict=Verdict.UNKNOWN, judged=()),
        inspection(4, captured_at=at + timedelta(seconds=12), line=OTHER_LINE, score=None),
        inspection(5, captured_at=at + timedelta(seconds=20)),
    )
    seven = datetime(2025, 3, 14, 7, 0, tzinfo=UTC)
    found = history.statistics(None, at, at + timedelta(seconds=20), 3600)
    assert found == [
        Bucket(start=seven - timedelta(hours=1), line=LINE, total=2, defect=1, unknown=0, mean_score=1.75),
        Bucket(start=seven, line=LINE, total=2, defect=0, unknown=1, mean_score=4.0),
        Bucket(start=seven, line=OTHER_LINE, total=1, defect=0, unknown=0, mean_score=None),
    ]
    assert history.statistics(OTHER_LINE, at, at + timedelta(seconds=20), 60) == [found[2]]


def test_the_pareto_counts_parts_and_regions(database: Database, history: History) -> None:
    write(
        database,
        inspection(0, verdict=Verdict.DEFECT, regions=[region(0, "dent"), region(1, "dent"), region(2, "dent")]),
        inspection(1, verdict=Verdict.DEFECT, regions=[region(0, "scratch")]),
        inspection(2, verdict=Verdict.DEFECT, regions=[region(0, "scratch"), region(1, "dent")]),
        inspection(3, verdict=Verdict.DEFECT, regions=[region(0, "scratch")]),
        inspection(4, line=OTHER_LINE, verdict=Verdict.DEFECT, regions=[region(0, "dent")]),
    )
    scratch = ParetoEntry(type="scratch", line=LINE, parts=3, regions=3)
    dent = ParetoEntry(type="dent", line=LINE, parts=2, regions=4)
    elsewhere = ParetoEntry(type="dent", line=OTHER_LINE, parts=1, regions=1)
    assert history.pareto(LINE) == [scratch, dent]
    assert history.pareto(None) == [scratch, dent, elsewhere]
    assert history.pareto(None, since=part_time(4)) == [elsewhere]
    assert history.pareto(None, until=part_time(1)) == [ParetoEntry(type="dent", line=LINE, parts=1, regions=3)]


def test_latency_percentiles_are_of_the_nearest_rank(database: Database, history: History) -> None:
    # Part n was first captured n ms before the commit: 1 ms, 2 ms, ... 200 ms.
    now = START + timedelta(hours=1)
    sink = ResultSink(database, now=lambda: now)
    results = []
    for number in range(1, 201):
        made = inspection(number)
        times = made.processing.model_copy(update={"captured_first_at": now - timedelta(milliseconds=number)})
        results.append(made.model_copy(update={"processing": times}))
    unknown = inspection(0)
    no_time = unknown.processing.model_copy(update={"captured_first_at": None})
    sink.write(ResultBatch(inspections=[*results, unknown.model_copy(update={"processing": no_time})]))
    found = history.latency(LINE)
    assert found.parts == 200
    assert (found.p50, found.p95, found.p99) == pytest.approx((0.100, 0.190, 0.198), abs=1e-9)
    assert history.latency(LINE, since=part_time(200)).p50 == pytest.approx(0.200, abs=1e-9)
    assert history.latency(OTHER_LINE) == Latency(parts=0, p50=None, p95=None, p99=None)


def test_parts_are_scored_or_not_whatever_their_verdict(database: Database, history: History) -> None:
    write(
        database,
        inspection(0, verdict=Verdict.UNKNOWN),
        inspection(1, verdict=Verdict.UNKNOWN, score=None),
        inspection(2, verdict=Verdict.DEFECT),
        inspection(3, line=OTHER_LINE),
    )

    assert history.scored_count(None) == 3
    assert history.scored_count(LINE) == 2
    assert history.scored_count(LINE, since=part_time(1)) == 1


def test_verdict_counts_follow_the_rows(database: Database, history: History) -> None:
    assert history.verdict_counts() == {Verdict.OK: 0, Verdict.DEFECT: 0, Verdict.UNKNOWN: 0}
    write(database, inspection(0, judged=("rgb",)), inspection(1), inspection(2, verdict=Verdict.DEFECT))
    write(database, inspection(0, verdict=Verdict.DEFECT), inspection(3, line=OTHER_LINE))
    assert history.verdict_counts(LINE) == {Verdict.OK: 1, Verdict.DEFECT: 2, Verdict.UNKNOWN: 0}
    assert history.verdict_counts() == {Verdict.OK: 2, Verdict.DEFECT: 2, Verdict.UNKNOWN: 0}


def test_learning_begins_with_the_first_parts(database: Database, history: History) -> None:
    write(
        database,
        *(inspection(number) for number in (5, 2, 4)),
        inspection(3, missing=("sensor",)),
        inspection(1, product="plate"),
        inspection(0, line=OTHER_LINE),
    )
    complete = history.first_inspections(LINE, "bracket", 2)
    assert [each.part_id for each in complete] == ["P000002", "P000004"]
    any_of_them = history.first_inspections(LINE, "bracket", 2, complete_only=False)
    assert [each.part_id for each in any_of_them] == ["P000002", "P000003"]


def test_a_line_learns_until_it_has_a_state(database: Database, history: History) -> None:
    write(database, inspection(1), inspection(2), inspection(3, product="plate"), inspection(4, line=OTHER_LINE))
    assert history.learning_lines() == [
        LearningLine(line=LINE, product="bracket", inspections=2),
        LearningLine(line=LINE, product="plate", inspections=1),
        LearningLine(line=OTHER_LINE, product="bracket", inspections=1),
    ]
    states = LineStateStore(database, open_payload_store("memory:"))
    states.add(line_state(product="bracket"), parent=None, reason="learned", by="learning")
    assert [(each.line, each.product) for each in history.learning_lines()] == [
        (LINE, "plate"),
        (OTHER_LINE, "bracket"),
    ]
