"""store: one transaction per batch, then the acknowledgement; broken at each effect."""

from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from storage.database import Database
from storage.history import History
from storage.ledger import LedgerStore
from storage.result_batch import ResultBatch, WriteCounts
from storage.results import ResultSink
from stream.agents.store import StoreAgent
from stream.metrics.store import StoreMetrics
from stream.metrics.worker import new_registry
from stream.outbox import Outbox
from stream.settings import StoreLimits
from stream.steps.consumed import ConsumedRecord
from tests.unit.stream.agent_run import Acknowledged, run_agent
from tests.unit.stream.made_records import BEGIN, LINE, heartbeat_event, record
from tests.unit.stream.made_results import inspection
from tests.unit.stream.recording_sender import RecordingSender
from tests.unit.stream.sabotage import Sabotage, Sabotaged
from wire import topics
from wire.errors import DatabaseUnavailable
from wire.finding import Verdict
from wire.inspection import Report

PARTS = 5


class FaultySink(ResultSink):
    """Points: ``before commit``, ``after commit``."""

    def __init__(self, database: Database, sabotage: Sabotage) -> None:
        super().__init__(database)
        self._sabotage = sabotage

    def write(self, batch: ResultBatch) -> WriteCounts:
        self._sabotage.hit("before commit")
        counts = super().write(batch)
        self._sabotage.hit("after commit")
        return counts


class FaultyMetrics(StoreMetrics):
    """Point: ``measure``."""

    def __init__(self, registry: CollectorRegistry, sabotage: Sabotage) -> None:
        super().__init__(registry)
        self._sabotage = sabotage
        self._inspections = self.inspections
        del self.inspections

    def __getattr__(self, name: str) -> object:
        if name != "inspections":
            raise AttributeError(name)
        self._sabotage.hit("measure")
        return self._inspections


def agent(database: Database, sabotage: Sabotage, sender: RecordingSender, registry: CollectorRegistry) -> StoreAgent:
    return StoreAgent(
        sink=FaultySink(database, sabotage),
        ledger=LedgerStore(database),
        outbox=Outbox(sender, group=topics.GROUP_STORE, patience_s=5),
        limits=StoreLimits(patience_s=5),
        metrics=FaultyMetrics(registry, sabotage),
    )


def batch() -> list[ConsumedRecord]:
    """A report before its inspection, five inspections, one of them twice, a heartbeat, and rubbish."""
    defect = inspection(1, verdict=Verdict.DEFECT)
    report = Report(
        inspection_id=defect.inspection_id,
        line=LINE,
        part_id="P1",
        captured_at=defect.captured_at,
        created_at=BEGIN + timedelta(seconds=9),
        reporter="template",
        summary="One defect.",
        regions=(),
    )
    events = [report.to_event()]
    events += [(defect if number == 1 else inspection(number)).to_event() for number in range(PARTS)]
    events += [inspection(0).to_event(), heartbeat_event("0-4")]
    records = [record(event, offset, topic=topics.RESULTS) for offset, event in enumerate(events)]
    rubbish = {name: getattr(records[0], name) for name in type(records[0]).__dataclass_fields__}
    return [*records, ConsumedRecord(**{**rubbish, "offset": len(records), "value": b"{", "key": b"k"})]


def check(database: Database, sender: RecordingSender) -> None:
    history = History(database)
    assert history.verdict_counts(LINE)[Verdict.OK] == PARTS - 1
    assert history.verdict_counts(LINE)[Verdict.DEFECT] == 1
    stored = history.get(inspection(1).inspection_id)
    assert stored is not None
    assert stored.report is not None
    assert stored.report.summary == "One defect."
    assert {(letter.topic, letter.key, letter.value) for letter in sender.dead_letters} == {
        (topics.dlq(topics.RESULTS), b"k", b"{")
    }


FAULTS = {
    "1 before the dead letter": "send:raw",
    "1 before the transaction": "before commit",
    "2 after the commit": "after commit",
    "3 before the acknowledgement": "acknowledge",
    "4 before the metrics": "measure",
}


@pytest.mark.parametrize("point", FAULTS.values(), ids=FAULTS.keys())
async def test_store_that_dies_at_an_effect_reads_the_batch_again_and_doubles_no_row(
    database: Database, point: str
) -> None:
    sabotage = Sabotage({(point, 1): Sabotaged(point)})
    sender = RecordingSender(sabotage)
    records = batch()
    first = Acknowledged(sabotage)
    survived = await run_agent(
        agent(database, sabotage, sender, new_registry()), records, first, lambda: False, "its death"
    )
    assert not survived
    assert first.offsets == ([each.offset for each in records] if point == "measure" else [])
    again = Acknowledged(sabotage)
    assert await run_agent(
        agent(database, sabotage, sender, new_registry()),
        records,
        again,
        lambda: len(again.offsets) == len(records),
        "every acknowledgement",
    )
    check(database, sender)


async def test_database_that_is_away_is_waited_for_and_nothing_is_acknowledged_meanwhile(database: Database) -> None:
    sabotage = Sabotage({("before commit", call): DatabaseUnavailable("away") for call in (1, 2, 3)})
    sender = RecordingSender(sabotage)
    progress = Acknowledged(sabotage)
    records = batch()
    assert await run_agent(
        agent(database, sabotage, sender, new_registry()),
        records,
        progress,
        lambda: len(progress.offsets) == len(records),
        "every acknowledgement",
    )
    assert sabotage.calls["before commit"] == 4
    check(database, sender)


async def test_a_database_that_is_away_shows_in_the_age_of_the_batch_in_hand(database: Database) -> None:
    registry = new_registry()
    ages: list[float] = []

    class Watched(Sabotage):
        def hit(self, point: str) -> None:
            if point == "before commit":
                ages.append(registry.get_sample_value("store_transaction_age_seconds") or 0.0)
            super().hit(point)

    sabotage = Watched({("before commit", call): DatabaseUnavailable("away") for call in (1, 2)})
    store = agent(database, sabotage, RecordingSender(sabotage), registry)
    await store.take(batch())
    store.close()
    assert 0 < ages[0] < ages[1] < ages[2]
    assert registry.get_sample_value("store_transaction_age_seconds") == 0.0


async def test_redelivery_counts_no_part_twice(database: Database) -> None:
    sabotage = Sabotage()
    registry = new_registry()
    progress = Acknowledged(sabotage)
    store = agent(database, sabotage, RecordingSender(sabotage), registry)
    records = batch()

    async def twice() -> bool:
        return await run_agent(store, [*records, *records], progress, lambda: bool(progress.offsets), "a batch")

    assert await twice()
    labels = {"line": LINE, "verdict": "ok"}
    assert registry.get_sample_value("store_inspections_total", labels) == PARTS - 1
    assert registry.get_sample_value("store_redelivered_total", {"line": LINE}) == PARTS + 2


async def test_ledger_is_measured_while_the_store_runs(database: Database) -> None:
    sabotage = Sabotage()
    registry = new_registry()
    store = agent(database, sabotage, RecordingSender(sabotage), registry)
    ResultSink(database).write(ResultBatch(inspections=[inspection(0), inspection(2)]))
    assert await run_agent(
        store,
        [],
        Acknowledged(sabotage),
        lambda: registry.get_sample_value("store_ledger_gap", {"line": LINE}) == 1,
        "the ledger's figures",
    )
    assert registry.get_sample_value("store_ledger_unaccounted", {"line": LINE}) == 0
