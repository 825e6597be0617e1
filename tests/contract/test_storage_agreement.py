"""SQLite, PostgreSQL and a model of plain sets are told the same things in the same order and have to agree."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from shutil import copy
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from sqlalchemy import delete, func, select, update

from storage.database import Database
from storage.history import History
from storage.history_filter import HistoryFilter
from storage.ledger import LedgerStore
from storage.migrate import migrate
from storage.result_batch import ResultBatch, WriteCounts
from storage.results import ResultSink
from storage.schema import metadata, stored_sequence
from storage.statistics import ParetoEntry
from tests.components.postgres import RealPostgres
from tests.unit.storage.examples import (
    LINE,
    disposition,
    event,
    heartbeat,
    inspection,
    loss,
    part_time,
    region,
    report,
    unreadable,
)
from wire.finding import Verdict
from wire.inspection import Inspection, Report
from wire.ledger import BrokerLoss, Disposition, Heartbeat, HeartbeatStage, Outcome

SOURCES = ("camera1", "plc")
RANK = {Outcome.USED: 0, Outcome.QUARANTINED: 1, Outcome.LATE: 2}

few = st.integers(0, 5)
numbers = st.frozensets(st.integers(0, 9), max_size=8)


@st.composite
def results(draw: st.DrawFn) -> Inspection:
    number = draw(few)
    return inspection(
        number,
        judged=draw(st.sampled_from([(), ("rgb",), ("rgb", "depth"), ("rgb", "depth", "sensor")])),
        verdict=draw(st.sampled_from(Verdict)),
        score=draw(st.sampled_from([None, 0.5, 2.0])),
        # Deliveries may disagree about the time, even about the month.
        captured_at=part_time(number) + draw(st.sampled_from([timedelta(0), timedelta(seconds=1), timedelta(days=40)])),
        regions=[region(index, kind) for index, kind in enumerate(draw(st.lists(st.sampled_from("ab"), max_size=2)))],
        events=[event(source, sequence) for source in SOURCES for sequence in sorted(draw(numbers))],
    )


@st.composite
def reports(draw: st.DrawFn) -> Report:
    at = draw(few)
    return report(draw(few), summary=f"written at {at}", created_after_s=at)


@st.composite
def dispositions(draw: st.DrawFn) -> Disposition:
    if draw(st.integers(0, 4)) == 0:
        return unreadable(draw(few), draw(st.sampled_from(["header", "line_id"])))
    outcome, reason = draw(
        st.sampled_from([(Outcome.LATE, ""), (Outcome.QUARANTINED, "decode"), (Outcome.QUARANTINED, "empty")])
    )
    return disposition(draw(st.sampled_from(SOURCES)), draw(st.integers(0, 9)), outcome, reason)


@st.composite
def heartbeats(draw: st.DrawFn) -> Heartbeat:
    sent_s = draw(st.integers(0, 1000))
    return heartbeat(
        draw(st.sampled_from(SOURCES)),
        captured=text_of(draw(numbers)),
        published=text_of(draw(numbers)),
        # What a newer heartbeat replaces follows from its time, so that two of the same time never contradict.
        spooled=text_of({sent_s % 12, sent_s % 7}),
        in_flight=text_of({sent_s % 11}),
        dropped={"spool_full": text_of(draw(numbers)), "unreadable": text_of(draw(numbers))},
        stage=draw(st.sampled_from([HeartbeatStage.SEEN, HeartbeatStage.SETTLED])),
        sent_s=sent_s,
    )


@st.composite
def losses(draw: st.DrawFn) -> BrokerLoss:
    first = draw(few)
    return loss(first, first + draw(st.integers(0, 2)), partition=draw(st.integers(0, 1)))


def text_of(members: Sequence[int] | frozenset[int] | set[int]) -> str:
    return ",".join(str(number) for number in sorted(members))


@dataclass
class Said:
    """What a source said, in plain sets."""

    captured: set[int] = field(default_factory=set)
    published: set[int] = field(default_factory=set)
    settled: set[int] = field(default_factory=set)
    dropped: dict[str, set[int]] = field(default_factory=dict)
    newest: Heartbeat | None = None


@dataclass
class Model:
    """The rules of the store, written down a second time without SQL and without intervals."""

    parts: dict[UUID, Inspection] = field(default_factory=dict)
    order: list[UUID] = field(default_factory=list)
    reports: dict[UUID, Report] = field(default_factory=dict)
    outcomes: dict[tuple[str, int], tuple[int, str]] = field(default_factory=dict)
    deliveries: Counter[tuple[str, int]] = field(default_factory=Counter)
    said: dict[str, Said] = field(default_factory=dict)
    lost_offsets: set[int] = field(default_factory=set)

    def write(self, batch: ResultBatch) -> tuple[list[str], int, int, int, int]:
        """Returns what WriteCounts should say: inserted part ids, replaced, redelivered, reports, dispositions."""
        best: dict[UUID, Inspection] = {}
        for result in batch.inspections:
            known = best.get(result.inspection_id)
            if known is None or result.complete_modalities > known.complete_modalities:
                best[result.inspection_id] = result
        inserted, replaced = [], 0
        for key, result in best.items():
            stored = self.parts.get(key)
            if stored is None:
                self.parts[key] = result
                inserted.append(result.part_id)
            elif result.complete_modalities > stored.complete_modalities:
                self.parts[key] = result.model_copy(update={"captured_at": stored.captured_at})
                self.order.remove(key)
                replaced += 1
            else:
                continue
            self.order.append(key)
        newest: dict[UUID, Report] = {}
        for each in batch.reports:
            if each.inspection_id not in newest or each.created_at > newest[each.inspection_id].created_at:
                newest[each.inspection_id] = each
        changed = 0
        for key, each in newest.items():
            if key not in self.reports or each.created_at > self.reports[key].created_at:
                self.reports[key] = each
                changed += 1
        for result in batch.inspections:
            for used in result.events:
                self._deliver(used.source, used.sequence, Outcome.USED, "")
        first = 0
        for told in batch.dispositions:
            source, sequence = (
                ("unreadable", told.offset) if told.event is None else (told.event.source, told.event.sequence)
            )
            first += self._deliver(source, sequence, told.outcome, told.reason)
        for beat in batch.heartbeats:
            self._hear(beat)
        for hole in batch.losses:
            if hole.partition == 0:
                self.lost_offsets |= set(range(hole.first_offset, hole.last_offset + 1))
        return inserted, replaced, len(batch.inspections) - len(inserted) - replaced, changed, first

    def _deliver(self, source: str, sequence: int, outcome: Outcome, reason: str) -> bool:
        key = (source, sequence)
        self.deliveries[key] += 1
        found = (RANK[outcome], reason)
        self.outcomes[key] = min(self.outcomes.get(key, found), found)
        return self.deliveries[key] == 1

    def _hear(self, beat: Heartbeat) -> None:
        said = self.said.setdefault(beat.source, Said())
        said.captured |= set(beat.ledger.captured)
        said.published |= set(beat.ledger.published)
        if beat.stage is HeartbeatStage.SETTLED:
            said.settled |= set(beat.ledger.published)
        for reason, members in beat.ledger.dropped.items():
            said.dropped.setdefault(reason.value, set()).update(members)
        if said.newest is None or beat.sent_at >= said.newest.sent_at:
            said.newest = beat

    def ledger(self) -> dict[str, dict[str, Any]]:
        """Per source: every set of the ledger, sorted."""
        budget = len(self.lost_offsets)
        found = {}
        for source in sorted({*self.said, *(source for source, _ in self.outcomes)} - {"unreadable"}):
            said = self.said.get(source, Said())
            mine = {sequence: self.outcomes[source, sequence] for name, sequence in self.outcomes if name == source}
            rows = set(mine)
            captured, published = said.captured | rows, said.published | rows
            placed = set(published)
            dropped = {}
            for reason in sorted(said.dropped):
                dropped[reason] = said.dropped[reason] - placed
                placed |= dropped[reason]
            spooled = (set(said.newest.ledger.spooled) if said.newest else set()) - placed
            placed |= spooled
            in_flight = (set(said.newest.ledger.in_flight) if said.newest else set()) - placed
            placed |= in_flight
            missing = sorted(said.settled - rows)
            lost = missing[:budget] if said.newest else []
            budget -= len(lost)
            found[source] = {
                "captured": sorted(captured),
                "published": sorted(published),
                "spooled": sorted(spooled),
                "in_flight": sorted(in_flight),
                "dropped": {reason: sorted(members) for reason, members in dropped.items() if members},
                "used": sorted(number for number, (rank, _) in mine.items() if rank == 0),
                "quarantined": {
                    reason: sorted(number for number, kept in mine.items() if kept == (1, reason))
                    for reason in ("decode", "empty")
                    if (1, reason) in mine.values()
                },
                "late": sorted(number for number, (rank, _) in mine.items() if rank == 2),
                "waiting": sorted(said.published - said.settled - rows),
                "lost_in_broker": lost,
                "unaccounted": sorted(set(missing) - set(lost)),
                "unbalanced": sorted(captured ^ placed),
                "gaps": sorted(set(range(max(captured, default=-1) + 1)) - captured),
                "redelivered": sum(self.deliveries[source, number] - 1 for number in mine),
            }
        return found

    def unreadable(self) -> dict[str, int]:
        reasons = Counter(reason for (source, _), (_, reason) in self.outcomes.items() if source == "unreadable")
        return dict(sorted(reasons.items()))

    def pareto(self) -> list[ParetoEntry]:
        regions = Counter(each.type for part in self.parts.values() for each in part.regions)
        parts = Counter(kind for part in self.parts.values() for kind in {each.type for each in part.regions})
        entries = [ParetoEntry(type=kind, line=LINE, parts=parts[kind], regions=regions[kind]) for kind in regions]
        return sorted(entries, key=lambda entry: (-entry.parts, entry.type))


def ledger_sets(database: Database) -> tuple[dict[str, dict[str, Any]], dict[str, int]]:
    """The store's ledger in the model's form."""
    line = LedgerStore(database).read().line(LINE)
    if line is None:
        return {}, {}
    found = {}
    for source in line.sources:
        (session,) = source.sessions
        found[source.source] = {
            name: sorted(getattr(session, name))
            for name in (
                "captured", "published", "spooled", "in_flight", "used", "late", "waiting", "lost_in_broker",
                "unaccounted", "unbalanced", "gaps",
            )
        } | {
            name: {reason: sorted(members) for reason, members in getattr(session, name).items() if members}
            for name in ("dropped", "quarantined")
        } | {"redelivered": session.redelivered}  # fmt: skip
    return found, dict(line.unreadable)


class OneStore(RuleBasedStateMachine):
    """Random batches, cut anywhere, into each database and the model."""

    def __init__(self, databases: Sequence[Database]) -> None:
        super().__init__()
        self.databases = databases
        for database in databases:
            empty(database)
        self.sinks = [ResultSink(database) for database in databases]
        self.model = Model()

    @rule(
        inspections=st.lists(results(), max_size=6),
        reports=st.lists(reports(), max_size=3),
        dispositions=st.lists(dispositions(), max_size=5),
        heartbeats=st.lists(heartbeats(), max_size=4),
        losses=st.lists(losses(), max_size=1),
    )
    def write(
        self,
        inspections: list[Inspection],
        reports: list[Report],
        dispositions: list[Disposition],
        heartbeats: list[Heartbeat],
        losses: list[BrokerLoss],
    ) -> None:
        batch = ResultBatch(
            inspections=inspections,
            reports=reports,
            dispositions=dispositions,
            heartbeats=heartbeats,
            losses=losses,
        )
        expected = self.model.write(batch)
        for sink in self.sinks:
            assert said_of(sink.write(batch)) == expected
        self.compare()

    @rule()
    def restart(self) -> None:
        self.sinks = [ResultSink(database) for database in self.databases]

    def compare(self) -> None:
        for database in self.databases:
            history = History(database)
            feed = history.stored_after(0, 100)
            assert [each.inspection for each in feed] == [self.model.parts[key] for key in self.model.order]
            for each in feed:
                assert each.report == self.model.reports.get(each.inspection.inspection_id)
            newest_first = sorted(
                self.model.parts.values(), key=lambda part: (part.captured_at, part.inspection_id), reverse=True
            )
            assert [each.inspection for each in history.page(HistoryFilter(), 100).items] == newest_first
            verdicts = Counter(part.verdict for part in self.model.parts.values())
            assert history.verdict_counts() == {verdict: verdicts[verdict] for verdict in Verdict}
            assert history.pareto(LINE) == self.model.pareto()
            assert rows_of(database) == {
                "inspections": len(self.model.parts),
                "inspection_keys": len(self.model.parts),
                "modality_verdicts": sum(len(part.modalities) for part in self.model.parts.values()),
                "regions": sum(len(part.regions) for part in self.model.parts.values()),
                "reports": len(self.model.reports),
            }
            assert ledger_sets(database) == (self.model.ledger(), self.model.unreadable())


def said_of(counts: WriteCounts) -> tuple[list[str], int, int, int, int]:
    inserted = [each.part_id for each in counts.inserted]
    return inserted, counts.replaced, counts.redelivered, counts.reports, counts.dispositions


def rows_of(database: Database) -> dict[str, int]:
    names = ("inspections", "inspection_keys", "modality_verdicts", "regions", "reports")
    with database.begin_read() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(metadata.tables[name])).scalar_one()
            for name in names
        }


def empty(database: Database) -> None:
    with database.begin_write() as connection:
        for table in reversed(metadata.sorted_tables):
            if table is not stored_sequence:
                connection.execute(delete(table))
        connection.execute(update(stored_sequence).values(value=0))


@pytest.fixture
def both(postgres: RealPostgres, sqlite_template: Path, tmp_path: Path) -> Iterator[list[Database]]:
    url = postgres.fresh_database(prepare=migrate)
    databases = [Database(f"sqlite:///{copy(sqlite_template, tmp_path / 'lineside.db')}"), Database(url)]
    yield databases
    for database in databases:
        database.close()
    postgres.drop_database(url)


@pytest.mark.postgres
@pytest.mark.slow
def test_both_databases_agree_with_the_model(both: list[Database]) -> None:
    run_state_machine_as_test(
        lambda: OneStore(both),
        settings=settings(
            max_examples=15,
            stateful_step_count=10,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
