import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import event, func, select

from storage.database import Database
from storage.event_block import BLOCK_SIZE
from storage.history import History
from storage.history_filter import HistoryFilter
from storage.jobs import JobStore
from storage.ledger import LedgerStore
from storage.line_states import LineStateStore
from storage.objects import ObjectPayloadStore, open_payload_store
from storage.partitions import create_partitions, existing_months, month_of
from storage.references import ReferenceStore
from storage.result_batch import ResultBatch
from storage.results import ResultSink
from storage.retention import Retention, RetentionCounts
from storage.retention_policy import RetentionPolicy
from storage.schema import metadata
from tests.unit.storage.examples import (
    LINE,
    START,
    evidence,
    heartbeat,
    inspection,
    line_state,
    part_key,
    region,
    report,
)
from tests.unit.storage.examples import event as captured_event
from wire.finding import Verdict
from wire.inspection import Evidence, Inspection
from wire.ledger import HeartbeatStage
from wire.sequence_set import SequenceSet

# Everything is captured and stored around START; the job runs NOW, 100 days later.
NOW = START + timedelta(days=100)
POLICY = RetentionPolicy(
    ages={Verdict.OK: timedelta(days=30), Verdict.DEFECT: timedelta(days=365)},
    topic_retention=timedelta(days=7),
    grace=timedelta(days=1),
    ledger_age=timedelta(days=50),
    job_age=timedelta(days=50),
)


class Site:
    """A database and an object folder whose objects can be made as old as a test needs."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self.payloads: ObjectPayloadStore = open_payload_store(folder.as_uri())
        self.history = History(database)

    def put(self, ref: str, at: datetime = START) -> None:
        self.payloads.put(ref, ref.encode())
        os.utime(self.folder / ref, (at.timestamp(), at.timestamp()))

    def write(self, *inspections: Inspection, at: datetime = START) -> None:
        """Store results at `at`, their evidence with them."""
        for ref in {piece.ref for each in inspections for piece in each.evidence}:
            self.put(ref, at)
        ResultSink(self.database, now=lambda: at).write(ResultBatch(inspections=inspections))

    def run(self, now: datetime = NOW, policy: RetentionPolicy = POLICY) -> RetentionCounts:
        return Retention(self.database, self.payloads).run(policy, now)

    def parts(self) -> list[str]:
        return sorted(each.inspection.part_id for each in self.history.page(HistoryFilter(), 1000).items)

    def refs(self) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())

    def count(self, table: str) -> int:
        with self.database.begin_read() as connection:
            return connection.execute(select(func.count()).select_from(metadata.tables[table])).scalar_one()


@pytest.fixture
def site(database: Database, tmp_path: Path) -> Iterator[Site]:
    made = Site(database, tmp_path / "objects")
    yield made
    made.payloads.close()


def refs(*names: str) -> list[Evidence]:
    return [evidence(name) for name in names]


def test_parts_go_when_they_are_older_than_the_age_of_their_verdict(site: Site) -> None:
    site.write(
        inspection(0),
        inspection(1, verdict=Verdict.DEFECT, regions=[region(0)]),
        inspection(2, verdict=Verdict.UNKNOWN, judged=(), refs=refs("u.png")),
        inspection(3, captured_at=NOW - timedelta(days=30) + timedelta(seconds=1)),
        inspection(4, captured_at=NOW - timedelta(days=30) - timedelta(seconds=1)),
    )
    assert site.run().inspections == 2
    # Verdicts without an age (here: unknown) are kept for good.
    assert site.parts() == ["P000001", "P000002", "P000003"]
    assert site.history.verdict_counts() == {Verdict.OK: 1, Verdict.DEFECT: 1, Verdict.UNKNOWN: 1}
    assert site.count("inspection_keys") == 3
    assert site.run(NOW + timedelta(days=300)).inspections == 2
    assert site.parts() == ["P000002"]


def test_nothing_that_kafka_may_deliver_again_is_removed_whatever_its_device_clock_says(site: Site) -> None:
    stored = NOW - timedelta(days=8) + timedelta(seconds=1)
    site.write(inspection(0, captured_at=datetime(1970, 1, 1, tzinfo=UTC), refs=refs("a.png")), at=stored)
    assert site.run() == RetentionCounts(inspections=0, reports=0, objects=0, sessions=0, jobs=0, partitions=0)
    assert site.run(NOW + timedelta(seconds=2)).inspections == 1


def test_all_rows_of_a_part_go_with_it(site: Site) -> None:
    site.write(inspection(0, regions=[region(0)]))
    ResultSink(site.database).write(ResultBatch(reports=[report(0)]))
    site.run()
    empty = (
        "inspections",
        "inspection_keys",
        "modality_verdicts",
        "regions",
        "evidence_uses",
        "reports",
        "unused_objects",
    )
    assert {name: site.count(name) for name in empty} == dict.fromkeys(empty, 0)


def test_a_report_whose_part_never_came_goes_too(site: Site) -> None:
    ResultSink(site.database).write(ResultBatch(reports=[report(0), report(1)]))
    site.write(inspection(1, verdict=Verdict.DEFECT))
    assert site.run().reports == 1
    stored = site.history.get(part_key(1))
    assert stored is not None
    assert stored.report == report(1)


def test_an_object_stays_while_another_part_needs_it(site: Site) -> None:
    site.write(
        inspection(0, refs=refs("mask-without-defect.png", "0.png")),
        inspection(1, refs=refs("mask-without-defect.png", "1.png"), verdict=Verdict.DEFECT),
    )
    assert site.run().objects == 1
    assert site.refs() == ["evidence/1.png", "evidence/mask-without-defect.png"]
    assert site.run(NOW + timedelta(days=300)).objects == 2
    assert site.refs() == []


def test_an_object_that_was_put_again_lately_stays_for_the_part_that_is_under_way(site: Site) -> None:
    site.write(inspection(0, refs=refs("same.png")))
    site.put("evidence/same.png", NOW - timedelta(days=7))
    assert site.run().inspections == 1
    assert site.refs() == ["evidence/same.png"]
    # The part arrives, and with it the need; once that is gone, the object goes as well.
    site.write(inspection(1, captured_at=NOW, refs=refs("same.png")), at=NOW)
    assert site.run(NOW + timedelta(days=20)).objects == 0
    assert site.refs() == ["evidence/same.png"]
    assert site.run(NOW + timedelta(days=31)).objects == 1
    assert site.refs() == []


def test_the_evidence_of_a_replaced_result_goes(site: Site) -> None:
    site.write(inspection(0, judged=("rgb",), refs=refs("kept.png", "old.png"), verdict=Verdict.DEFECT))
    site.write(inspection(0, judged=("rgb", "depth"), refs=refs("kept.png", "new.png"), verdict=Verdict.DEFECT))
    assert site.run().objects == 1
    assert site.refs() == ["evidence/kept.png", "evidence/new.png"]


def test_references_stay_whatever_their_age(site: Site) -> None:
    site.write(*(inspection(number) for number in range(4)))
    references = ReferenceStore(site.database)
    references.accept(LINE, "bracket", [part_key(0), part_key(1)], "eva", "", UUID(int=1))
    references.reject(LINE, "bracket", [part_key(1)], "eva", "", UUID(int=2))
    LineStateStore(site.database, site.payloads).add(
        line_state(references=[part_key(2)]), parent=None, reason="learned", by="learning"
    )
    assert site.run().inspections == 2
    assert site.parts() == ["P000000", "P000002"]
    assert [ref for ref in site.refs() if ref.startswith("evidence")] == [
        "evidence/0/depth.png",
        "evidence/0/rgb.png",
        "evidence/2/depth.png",
        "evidence/2/rgb.png",
    ]


def test_the_tensors_of_states_are_never_touched(site: Site) -> None:
    states = LineStateStore(site.database, site.payloads)
    states.add(line_state(), parent=None, reason="learned", by="learning")
    (tensors,) = site.refs()
    os.utime(site.folder / tensors, (0, 0))
    site.run()
    assert states.load(LINE, "bracket", 1).metadata.version == 1


def test_payloads_of_frames_that_no_part_shows_go_by_their_age(site: Site) -> None:
    used = f"payloads/{LINE}/2025/03/14/used.png"
    site.write(inspection(0, verdict=Verdict.DEFECT, refs=[evidence("x").model_copy(update={"ref": used})]))
    site.put(f"payloads/{LINE}/2025/03/14/late.png")
    site.put(f"payloads/{LINE}/1970/01/01/wrong-clock-but-young.png", NOW - timedelta(days=7))
    site.put(f"payloads/{LINE}/2025/06/21/young.png", NOW - timedelta(days=1))
    site.put("evidence/ab/put-by-a-worker-that-died.png")
    assert site.run().objects == 2
    assert site.refs() == [
        f"payloads/{LINE}/1970/01/01/wrong-clock-but-young.png",
        used,
        f"payloads/{LINE}/2025/06/21/young.png",
    ]
    # A folder is looked through again only after a month.
    site.run(NOW + timedelta(days=2))
    assert f"payloads/{LINE}/1970/01/01/wrong-clock-but-young.png" in site.refs()
    site.run(NOW + timedelta(days=31))
    assert site.refs() == [used]


def test_a_run_that_died_before_it_deleted_the_objects_is_finished_by_the_next(site: Site) -> None:
    site.write(inspection(0, refs=refs("0.png")))

    def stop(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("DELETE FROM unused_objects"):
            raise KeyboardInterrupt

    event.listen(site.database.engine, "before_cursor_execute", stop)
    with pytest.raises(KeyboardInterrupt):
        site.run()
    event.remove(site.database.engine, "before_cursor_execute", stop)
    assert (site.parts(), site.count("unused_objects")) == ([], 1)
    site.run()
    assert (site.refs(), site.count("unused_objects")) == ([], 0)


def test_more_rows_than_one_transaction_takes_go_in_one_run(site: Site) -> None:
    shared = refs("shared.png")
    parts = [inspection(number, judged=("rgb",), refs=shared) for number in range(1203)]
    site.write(*parts)
    ReferenceStore(site.database).accept(LINE, "bracket", [part_key(number) for number in range(0, 1203, 2)], "x", "")
    assert site.run().inspections == 601
    assert site.parts() == [f"P{number:06}" for number in range(0, 1203, 2)]
    assert site.refs() == ["evidence/shared.png"]


def test_a_part_accepted_while_the_job_runs_is_kept_or_gone_but_never_half(site: Site) -> None:
    site.write(*(inspection(number, judged=("rgb",)) for number in range(120)))
    references = ReferenceStore(site.database)

    def accept() -> None:
        for number in range(0, 120, 5):
            references.accept(LINE, "bracket", [part_key(number)], "eva", "", UUID(int=number + 1))

    thread = threading.Thread(target=accept)
    thread.start()
    site.run()
    thread.join()
    kept = set(site.parts())
    assert kept <= {f"P{number:06}" for number in range(0, 120, 5)}
    assert site.count("modality_verdicts") == site.count("inspection_keys") == len(kept)
    assert len([ref for ref in site.refs() if ref.startswith("evidence")]) == len(kept)


def test_silent_sessions_leave_the_ledger_whole(site: Site) -> None:
    camera, other = f"{LINE}/camera1", f"{LINE}/camera2"

    def hear(at: datetime, source: str, session: str, numbers: str) -> None:
        events = [captured_event(source, number, session=session) for number in SequenceSet.parse(numbers)]
        used = inspection(events[0].sequence, verdict=Verdict.DEFECT, events=events)
        beat = heartbeat(source, captured=numbers, published=numbers, stage=HeartbeatStage.SETTLED, session=session)
        ResultSink(site.database, now=lambda: at).write(ResultBatch(inspections=[used], heartbeats=[beat]))

    hear(START, camera, "before", "0-3")
    # The first block of this session was not heard of for long, the session was.
    hear(START, other, "long", "0-2")
    hear(NOW, other, "long", f"{BLOCK_SIZE}-{BLOCK_SIZE + 1}")
    assert site.run().sessions == 1
    ledger = LedgerStore(site.database).read()
    assert [(each.source, str(each.sessions[0].used)) for each in ledger.lines[0].sources] == [
        (other, "0-2,65536-65537")
    ]
    assert ledger.totals.adds_up


def test_finished_jobs_go_and_open_ones_stay(site: Site) -> None:
    jobs = JobStore(site.database)
    for key in ("a", "b", "c"):
        jobs.enqueue("describe", key, LINE, {})
    done, failed, _ = jobs.lease("describe", "w", 0, 3)
    jobs.finish(done)
    jobs.fail(failed, "no", None)
    assert site.run(datetime.now(UTC) + timedelta(days=49)).jobs == 0
    assert site.run(datetime.now(UTC) + timedelta(days=51)).jobs == 2
    assert jobs.pending("describe") == 1


@pytest.mark.parametrize("database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_months_without_rows_lose_their_partition(database: Database, tmp_path: Path) -> None:
    site = Site(database, tmp_path)
    site.write(inspection(0), inspection(1, verdict=Verdict.DEFECT, captured_at=START + timedelta(days=31)))
    with database.begin_write() as connection:
        create_partitions(connection, [(2025, 1), (2025, 2)], NOW)
    assert site.run().partitions == 3
    with database.begin_read() as connection:
        months = existing_months(connection)
    # January to March are empty now; April keeps its defect, and June to August are ahead.
    assert (2025, 4) in months
    assert not {(2025, 1), (2025, 2), (2025, 3)} & set(months)
    assert {month_of(NOW), (2025, 7), (2025, 8)} <= set(months)
