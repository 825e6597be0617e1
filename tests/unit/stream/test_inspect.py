"""inspect: each numbered effect, broken just there, loses nothing and doubles no row."""

import asyncio
import hashlib
import threading
from uuid import UUID

import numpy as np
import pytest

from storage.history import History
from storage.history_filter import HistoryFilter
from storage.ledger import LedgerStore
from tests.components.waiting import wait_until_async
from tests.unit.stream.inspect_bench import InspectBench
from tests.unit.stream.made_records import (
    LINE,
    PNG,
    SPEC,
    activation_event,
    context_event,
    frame_event,
    heartbeat_event,
)
from tests.unit.stream.sabotage import Sabotaged
from wire import topics
from wire.errors import BrokerUnavailable, DatabaseUnavailable, ObjectStoreUnavailable
from wire.finding import ModalityState, Verdict
from wire.frame import Claim, frame_from_event, frame_to_event
from wire.identifiers import inspection_id
from wire.image_codec import encode_png
from wire.inspection import EvidenceKind, ResultState
from wire.ledger import BrokerLoss, Disposition, Heartbeat, HeartbeatStage, Outcome

WHITE = encode_png(np.full((8, 8), 255, np.uint8))
CORRUPT = PNG[:40]
PARTS = 6
LATER_S = 1000.0


def fill(bench: InspectBench) -> None:
    """Six parts: one white, one corrupt in colour, one empty in depth, one without depth, one delivered twice."""
    for number in range(PARTS):
        rgb = {1: WHITE, 2: CORRUPT}.get(number, PNG)
        bench.send(frame_event(number, "rgb", payload=rgb))
        if number != 4:
            bench.send(frame_event(number, "depth", payload=b"" if number == 3 else PNG))
        bench.send(context_event(number))
        if number == 5:
            bench.send(frame_event(number, "rgb"), frame_event(number, "depth"))
    bench.send(
        heartbeat_event(f"0-{PARTS - 1}", source=f"{LINE}/rgb1"),
        heartbeat_event("0-3,5", source=f"{LINE}/depth1"),
        broker_time_s=LATER_S,
    )
    bench.send(frame_event(4, "depth"), broker_time_s=LATER_S)  # late
    bench.send(heartbeat_event("0-5", source=f"{LINE}/depth1", second=1), broker_time_s=LATER_S)


async def check(bench: InspectBench) -> None:
    """One row per part, all quarantined bytes in the dead letter queue, and a ledger that adds up."""
    await bench.store()
    page = History(bench.database).page(HistoryFilter(), 100).items
    rows = {stored.inspection.part_id: stored.inspection for stored in page}
    assert len(page) == len(rows) == PARTS
    assert {row.inspection_id for row in rows.values()} == {
        inspection_id(LINE, "plc-1", f"P{number}") for number in range(PARTS)
    }
    assert {part: row.verdict for part, row in rows.items()} == {
        "P0": Verdict.OK, "P1": Verdict.DEFECT, "P2": Verdict.OK, "P3": Verdict.OK, "P4": Verdict.OK, "P5": Verdict.OK,
    }  # fmt: skip
    assert {part for part, row in rows.items() if row.is_partial} == {"P2", "P3", "P4"}
    for row in rows.values():
        for evidence in row.evidence:
            assert bench.payloads.exists(evidence.ref)
    # At least once: dead letters may repeat, and none may be missing.
    assert {(letter.topic, letter.value) for letter in bench.sender.dead_letters} == {
        (topics.dlq(topics.FRAMES), CORRUPT),
        (topics.dlq(topics.FRAMES), None),
    }
    account = LedgerStore(bench.database).read().line(LINE)
    assert account is not None
    totals = account.totals
    assert (totals.published, totals.unaccounted, totals.waiting) == (3 * PARTS, 0, 0)
    assert dict(totals.quarantined) == {"truncated": 1, "empty": 1}
    # A worker that begins behind a late event's part cannot know; it makes a result that changes no row.
    assert totals.used + totals.late == 3 * PARTS - 2
    assert totals.late <= 1


async def test_everything_goes_well(bench: InspectBench) -> None:
    fill(bench)
    await bench.work()
    await check(bench)
    assert bench.deaths == 0
    account = LedgerStore(bench.database).read().line(LINE)
    assert account is not None
    assert account.totals.late == 1
    assert len(bench.results()) == PARTS
    assert len(bench.sender.dead_letters) == 2
    assert len(bench.inspector.threads) == 1


FAULTS = {
    "1 before the dead letter": "send:raw",
    "1 after the dead letter": f"send:{topics.EVENT_DISPOSITION}",
    "2 before the state is known": "active_at",
    "3 in the detector": "inspect",
    "4 before evidence": "put",
    "5 before the result": f"send:{topics.INSPECTION_RESULT}",
    "5 after the result, before its acknowledgement": f"answer:{topics.INSPECTION_RESULT}",
    "5 before a heartbeat": f"send:{topics.HEARTBEAT}",
    "6 before the acknowledgement": "acknowledge",
    "7 before the metrics": "measure",
}


@pytest.mark.parametrize("call", [1, 2, 4])
@pytest.mark.parametrize("point", FAULTS.values(), ids=FAULTS.keys())
async def test_worker_that_dies_at_an_effect_loses_nothing_and_doubles_nothing(
    bench: InspectBench, point: str, call: int
) -> None:
    fill(bench)
    bench.sabotage.plan = {(point, call): Sabotaged(point)}
    await bench.work()
    await check(bench)


@pytest.mark.parametrize(
    ("point", "error"),
    [
        ("send:raw", BrokerUnavailable("away")),
        (f"send:{topics.EVENT_DISPOSITION}", BrokerUnavailable("away")),
        (f"send:{topics.INSPECTION_RESULT}", BrokerUnavailable("away")),
        (f"answer:{topics.INSPECTION_RESULT}", BrokerUnavailable("not delivered in time")),
        ("active_at", DatabaseUnavailable("away")),
        ("put", ObjectStoreUnavailable("away")),
    ],
)
async def test_what_is_away_is_tried_again_in_place(bench: InspectBench, point: str, error: Exception) -> None:
    fill(bench)
    bench.sabotage.plan = {(point, call): error for call in (1, 2, 3)}
    await bench.work(lives=1)
    await check(bench)
    assert bench.deaths == 0


async def test_worker_dies_after_every_single_result_and_still_each_part_has_one_row(bench: InspectBench) -> None:
    fill(bench)
    for call in range(1, PARTS + 1):
        bench.sabotage.plan["acknowledge", call] = Sabotaged("6")
    await bench.work(lives=PARTS + 1)
    await check(bench)
    assert 2 <= bench.deaths <= PARTS  # two tasks of one worker may both come to their end


async def test_result_is_published_before_its_events_are_acknowledged(bench: InspectBench) -> None:
    bench.send(frame_event(0, "rgb"), frame_event(0, "depth"), context_event(0))
    bench.sabotage.plan = {(f"send:{topics.INSPECTION_RESULT}", 1): Sabotaged("5")}
    with pytest.raises(AssertionError, match="1 workers died"):
        await bench.work(lives=1)
    assert bench.committed is None
    assert bench.payloads.keys, "evidence comes before the result"


async def test_payload_in_the_object_store_is_named_and_not_copied(bench: InspectBench) -> None:
    frame = frame_from_event(frame_event(0, "rgb"))
    bench.payloads.put("payloads/one.png", PNG)
    claim = Claim(ref="payloads/one.png", sha256=hashlib.sha256(PNG).hexdigest(), size=len(PNG))
    fields = {name: getattr(frame, name) for name in type(frame).__dataclass_fields__}
    bench.send(frame_to_event(type(frame)(**{**fields, "payload": None, "claim": claim})))
    bench.send(frame_event(0, "depth"), context_event(0))
    await bench.work()
    (result,) = bench.results()
    refs = {e.modality: e.ref for e in result.evidence if e.kind is EvidenceKind.IMAGE}
    assert refs["rgb"] == "payloads/one.png"
    assert refs["depth"].startswith("evidence/")
    assert result.evidence[0].sha256 == claim.sha256


async def test_claim_on_other_bytes_is_quarantined(bench: InspectBench) -> None:
    frame = frame_from_event(frame_event(0, "rgb"))
    bench.payloads.put("payloads/one.png", b"other")
    fields = {name: getattr(frame, name) for name in type(frame).__dataclass_fields__}
    claim = Claim(ref="payloads/one.png", sha256="0" * 64, size=5)
    bench.send(frame_to_event(type(frame)(**{**fields, "payload": None, "claim": claim})))
    bench.send(frame_event(0, "depth"), context_event(0))
    await bench.work()
    (letter,) = bench.sender.dead_letters
    assert dict(letter.headers)["dlq_error_type"] == b"checksum"
    assert dict(letter.headers)["ce_dataref"] == b"payloads/one.png"


async def test_part_of_which_nothing_can_be_judged_has_an_unknown_verdict(bench: InspectBench) -> None:
    bench.send(frame_event(0, "rgb", payload=CORRUPT), frame_event(0, "depth", payload=b"x"), context_event(0))
    await bench.work()
    (result,) = bench.results()
    assert (result.verdict, result.result_state) == (Verdict.UNKNOWN, ResultState.FAILED)
    assert {v.modality: v.state for v in result.modalities} == {
        "rgb": ModalityState.QUARANTINED,
        "depth": ModalityState.QUARANTINED,
    }
    assert [event.modality for event in result.events] == [None]


async def test_part_that_the_detector_refuses_takes_no_other_along(bench: InspectBench) -> None:
    pixel = encode_png(np.zeros((1, 1), np.uint8))
    for number, payload in enumerate((PNG, pixel, PNG)):
        bench.send(frame_event(number, "rgb", payload=payload), frame_event(number, "depth"), context_event(number))
    await bench.work()
    verdicts = {result.part_id: result.verdict for result in bench.results()}
    assert verdicts == {"P0": Verdict.OK, "P1": Verdict.UNKNOWN, "P2": Verdict.OK}


async def test_heartbeat_is_seen_at_once_and_settled_behind_the_results_in_front_of_it(bench: InspectBench) -> None:
    bench.send(frame_event(0, "rgb"))
    bench.send(heartbeat_event("0"))
    bench.send(frame_event(0, "depth"), context_event(0))
    await bench.work()
    kinds = [
        Heartbeat.from_json(event.data).stage if event.type == topics.HEARTBEAT else event.type
        for event in bench.sender.events[topics.RESULTS]
    ]
    assert kinds == [HeartbeatStage.SEEN, topics.INSPECTION_RESULT, HeartbeatStage.SETTLED]


async def test_unreadable_record_is_quarantined_byte_for_byte(bench: InspectBench) -> None:
    bench.send(frame_event(0, "rgb"))
    broken = bench.log.pop()
    fields = {name: getattr(broken, name) for name in type(broken).__dataclass_fields__}
    headers = (("ce_id", b"\xff\xfe"), ("x", b"1"))
    bench.log.append(type(broken)(**{**fields, "headers": headers, "value": b"\x00\x01"}))
    await bench.work()
    (letter,) = bench.sender.dead_letters
    assert (letter.key, letter.value) == (LINE.encode(), b"\x00\x01")
    assert tuple(letter.headers[:2]) == headers
    about = dict(letter.headers)
    assert about["dlq_topic"] == b"lineside.frames"
    assert (about["dlq_partition"], about["dlq_offset"]) == (b"0", b"0")
    (disposition,) = (Disposition.from_json(e.data) for e in bench.sender.of_type(topics.EVENT_DISPOSITION))
    assert (disposition.line, disposition.event, disposition.outcome) == (LINE, None, Outcome.QUARANTINED)


async def test_activation_holds_from_its_offset_and_is_known_to_sql_before_it_is_acknowledged(
    bench: InspectBench,
) -> None:
    for number in (0, 1):
        if number == 1:
            bench.send(activation_event(7))
        bench.send(frame_event(number, "rgb"), frame_event(number, "depth"), context_event(number))
    bench.sabotage.plan = {("record_activation", 1): Sabotaged("record")}
    await bench.work()
    assert bench.deaths == 1
    (activation,) = bench.states.activations(LINE)
    assert (activation.version, activation.partition, activation.offset) == (7, 0, 3)


async def test_judging_without_the_activated_state_can_be_seen_from_outside(bench: InspectBench) -> None:
    labels = {"line": LINE, "product": "bolt"}
    bench.send(frame_event(0, "rgb"), frame_event(0, "depth"), context_event(0))
    await bench.work()
    assert bench.registry.get_sample_value("inspect_state_outdated", labels) == 0
    assert bench.registry.get_sample_value("inspect_join_window_seconds", {"line": LINE}) == SPEC.join_window_s
    bench.send(activation_event(7))  # which nobody made for this detector
    bench.send(frame_event(1, "rgb"), frame_event(1, "depth"), context_event(1))
    await bench.work()
    assert bench.registry.get_sample_value("inspect_state_outdated", labels) == 1


async def test_records_that_the_broker_dropped_are_named(bench: InspectBench) -> None:
    for number in range(3):
        bench.send(frame_event(number, "rgb"), frame_event(number, "depth"), context_event(number))
    del bench.log[:3]
    bench.log_start = 3
    await bench.work()
    (loss,) = (BrokerLoss.from_json(event.data) for event in bench.sender.of_type(topics.BROKER_LOSS))
    assert (loss.partition, loss.first_offset, loss.last_offset) == (0, 0, 2)


async def test_parts_of_a_dead_plant_are_closed_when_the_partition_is_silent(
    database: object, bench: InspectBench
) -> None:
    bench.limits = bench.limits.model_copy(update={"idle_s": 0.2})
    bench.lines.upsert(SPEC.model_copy(update={"join_window_s": 0.3}))
    bench.send(frame_event(0, "rgb"))
    await bench.work()
    (result,) = bench.results()
    assert result.is_partial


async def test_line_whose_state_is_being_read_delays_no_other(bench: InspectBench) -> None:
    other = "site.hall.line2"
    bench.lines.upsert(SPEC.model_copy(update={"line": other, "expected_modalities": ("rgb",)}))
    may_read = threading.Event()
    bench.states.slow_line, bench.states.may_read = LINE, may_read
    bench.send(frame_event(0, "rgb"), frame_event(0, "depth"), context_event(0))
    bench.send(frame_event(1, "rgb", line=other), context_event(1, line=other))
    working = asyncio.create_task(bench.work())
    try:
        await wait_until_async(
            lambda: [result.line for result in bench.results()] == [other], 10, "the other line's result"
        )
    finally:
        may_read.set()
        await working
    assert [result.line for result in bench.results()] == [other, LINE]


async def test_memory_of_waiting_parts_is_bounded(bench: InspectBench) -> None:
    bench.limits = bench.limits.model_copy(update={"held_bytes": 1000})
    for number in range(20):
        bench.send(frame_event(number, "rgb"))
    bench.send(heartbeat_event("0-19"), broker_time_s=LATER_S)
    await bench.work()
    assert len(bench.results()) == 20
    assert len({result.inspection_id for result in bench.results()}) == 20


async def test_parts_without_ids_are_named_alike_after_a_death_between_their_events(bench: InspectBench) -> None:
    no_plc = SPEC.model_copy(update={"expects_context": False})
    bench.lines.upsert(no_plc)
    for number in range(4):
        bench.send(frame_event(number, "rgb", named=False))
        if number:
            bench.send(frame_event(number - 1, "depth", named=False))
    bench.send(frame_event(3, "depth", named=False))
    bench.sabotage.plan = {(f"send:{topics.INSPECTION_RESULT}", 3): Sabotaged("5")}
    await bench.work()
    identifiers: list[UUID] = [result.inspection_id for result in bench.results()]
    assert bench.deaths == 1
    assert len(set(identifiers)) == 4
    assert all(len(result.events) == 2 for result in bench.results())
