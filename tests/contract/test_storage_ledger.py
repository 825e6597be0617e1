import threading

from storage.database import Database
from storage.event_block import BLOCK_SIZE
from storage.ledger import LedgerStore
from storage.result_batch import ResultBatch
from storage.results import ResultSink
from tests.unit.storage.examples import LINE, disposition, event, heartbeat, inspection, loss, unreadable
from wire.ledger import HeartbeatStage, Outcome, SpoolState

CAMERA = f"{LINE}/camera1"
PLC = f"{LINE}/plc"
SPOOL = SpoolState(size_bytes=4_200_000, limit_bytes=1_000_000_000, oldest_s=75.5)
OTHER_LINE = "plant1.hall2.line4"


def test_an_empty_database_has_an_empty_ledger(database: Database) -> None:
    ledger = LedgerStore(database).read()
    assert list(ledger.lines) == []
    assert ledger.totals.adds_up
    assert ledger.line(LINE) is None


def test_a_line_adds_up_source_by_source(database: Database) -> None:
    """Worked by hand: camera1 captured 0-9 and its frame 3 came too late; 5 was corrupt; 8 is lost; 9 is on its way."""
    used = [0, 1, 2, 4, 6, 7]
    ResultSink(database).write(
        ResultBatch(
            inspections=[
                inspection(number, events=[event(CAMERA, number), event(PLC, number, modality=None)]) for number in used
            ],
            dispositions=[
                disposition(CAMERA, 3, Outcome.LATE),
                disposition(CAMERA, 5, Outcome.QUARANTINED, "decode"),
                unreadable(77),
                unreadable(78, "line_id"),
                unreadable(77),
            ],
            heartbeats=[
                heartbeat(CAMERA, captured="0-8", published="0-8", stage=HeartbeatStage.SETTLED, sent_s=1),
                heartbeat(
                    CAMERA, captured="0-11", published="0-9", spooled="10", in_flight="11", sent_s=2, spool=SPOOL
                ),
            ],
        )
    )
    ledger = LedgerStore(database).read()
    line = ledger.line(LINE)
    assert line is not None
    camera, plc = line.sources
    assert (camera.source, plc.source) == (CAMERA, PLC)
    assert camera.as_dict() == {
        "source": CAMERA,
        "captured": 12,
        "published": 10,
        "spooled": 1,
        "in_flight": 1,
        "dropped": {},
        "used": 6,
        "quarantined": {"decode": 1},
        "late": 1,
        "waiting": 1,
        "lost_in_broker": 0,
        "unaccounted": 1,
        "unbalanced": 0,
        "gap": 0,
        "redelivered": 0,
        "unreadable": {},
        "spool": {"size_bytes": 4_200_000, "limit_bytes": 1_000_000_000, "oldest_s": 75.5},
        "sequences": {"waiting": {"s1": "9"}, "unaccounted": {"s1": "8"}},
    }
    # No heartbeat of the PLC came yet; its numbers 3 and 5 never did.
    assert (plc.figures.captured, plc.figures.used, plc.numbers("gaps")) == (6, 6, {"s1": "3,5"})
    assert line.unreadable == {"header": 1, "line_id": 1}
    assert (line.totals.captured, line.totals.used, line.totals.unreadable) == (18, 12, {"header": 1, "line_id": 1})
    assert not ledger.totals.adds_up
    assert plc.spool is None
    assert ledger.as_dict()["lines"][0]["sources"][0] == camera.as_dict()


def test_a_lost_message_of_the_broker_explains_a_missing_frame(database: Database) -> None:
    sink = ResultSink(database)
    settled = heartbeat(CAMERA, captured="0-3", published="0-3", stage=HeartbeatStage.SETTLED)
    sink.write(ResultBatch(inspections=[inspection(0, events=[event(CAMERA, 0)])], heartbeats=[settled]))
    assert LedgerStore(database).read().totals.unaccounted == 3
    # The same two offsets told twice, once as part of a longer hole.
    sink.write(ResultBatch(losses=[loss(500, 501), loss(500, 501), loss(501, 501), loss(9, 12, partition=1)]))
    totals = LedgerStore(database).read().totals
    assert (totals.lost_in_broker, totals.unaccounted) == (2, 1)


def test_redeliveries_are_counted_beside_the_sums(database: Database) -> None:
    sink = ResultSink(database)
    part = inspection(0, events=[event(CAMERA, 0), event(CAMERA, 1)])
    for _ in range(3):
        sink.write(ResultBatch(inspections=[part]))
    counts = sink.write(
        ResultBatch(dispositions=[disposition(CAMERA, 1, Outcome.LATE), disposition(CAMERA, 2, Outcome.LATE)])
    )
    assert counts.dispositions == 1
    totals = LedgerStore(database).read().totals
    assert (totals.used, totals.late, totals.published, totals.redelivered) == (2, 1, 3, 5)


def test_the_events_of_a_result_that_is_not_kept_are_used_all_the_same(database: Database) -> None:
    sink = ResultSink(database)
    sink.write(ResultBatch(inspections=[inspection(0, events=[event(CAMERA, 0), event(CAMERA, 1)])]))
    sink.write(ResultBatch(inspections=[inspection(0, judged=("rgb",), events=[event(CAMERA, 2)])]))
    assert LedgerStore(database).read().totals.used == 3


def test_a_source_goes_on_over_blocks_and_sessions(database: Database) -> None:
    edge = BLOCK_SIZE
    numbers = [edge - 2, edge - 1, edge, edge + 1, 2 * edge]
    ResultSink(database).write(
        ResultBatch(
            inspections=[inspection(at, events=[event(CAMERA, number)]) for at, number in enumerate(numbers)]
            + [inspection(9, events=[event(CAMERA, 0, session="s2")])],
        )
    )
    (camera,) = LedgerStore(database).read().lines[0].sources
    assert {each.session: str(each.used) for each in camera.sessions} == {"s1": "65534-65537,131072", "s2": "0"}
    assert camera.numbers("gaps") == {"s1": "0-65533,65538-131071"}
    assert camera.figures.used == 6


def test_lines_are_told_apart_even_when_sources_share_a_name(database: Database) -> None:
    ResultSink(database).write(
        ResultBatch(
            dispositions=[
                disposition("camera1", 0, Outcome.LATE),
                disposition("camera1", 0, Outcome.LATE, line=OTHER_LINE),
                disposition("camera1", 1, Outcome.QUARANTINED, "empty", line=OTHER_LINE),
            ]
        )
    )
    ledger = LedgerStore(database).read()
    assert [(each.line, each.totals.late, each.totals.quarantined) for each in ledger.lines] == [
        (LINE, 1, {}),
        (OTHER_LINE, 1, {"empty": 1}),
    ]


def test_two_sinks_that_tell_of_the_same_source_at_once_lose_nothing(database: Database) -> None:
    def write(offset: int) -> None:
        sink = ResultSink(database)
        for at in range(offset, 60, 2):
            sink.write(
                ResultBatch(
                    inspections=[inspection(at, events=[event(CAMERA, at)])],
                    heartbeats=[heartbeat(CAMERA, captured=f"{at}", published=f"{at}", sent_s=at)],
                )
            )

    threads = [threading.Thread(target=write, args=(offset,)) for offset in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (session,) = LedgerStore(database).read().lines[0].sources[0].sessions
    assert (str(session.captured), str(session.published), str(session.used)) == ("0-59", "0-59", "0-59")
