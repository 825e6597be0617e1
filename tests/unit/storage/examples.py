"""Results, reports, dispositions and heartbeats to store, with every field filled in."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np

from tests.unit.wire.examples import FACTS, PROVENANCE, made_inspection
from wire import topics
from wire.finding import ModalityState, ModalityVerdict, Mode, Region, Verdict
from wire.identifiers import event_id, inspection_id
from wire.inspection import (
    Evidence,
    EvidenceKind,
    Inspection,
    Report,
    ReportedRegion,
    ResultState,
)
from wire.ledger import (
    BrokerLoss,
    Disposition,
    EventReference,
    Heartbeat,
    HeartbeatStage,
    Outcome,
    SourceLedger,
    SpoolState,
)
from wire.line_state import Calibration, LineSpec, LineState, StateMetadata
from wire.sequence_set import SequenceSet

LINE = "plant1.hall2.line3"
START = datetime(2025, 3, 14, 6, 30, tzinfo=UTC)


def part_time(number: int) -> datetime:
    """Parts come every 100 ms."""
    return START + timedelta(milliseconds=100 * number)


def part_key(number: int, line: str = LINE) -> UUID:
    """The inspection id of part `number`."""
    return inspection_id(line, "plc-1", f"P{number:06}")


def event(source: str, sequence: int, *, session: str = "s1", modality: str | None = "rgb") -> EventReference:
    return EventReference(
        event_id=event_id(source, session, sequence),
        source=source,
        session=session,
        sequence=sequence,
        modality=modality,
        captured_at=part_time(sequence),
    )


def region(index: int, type: str = "scratch", *, modality: str = "rgb") -> Region:
    return Region(
        index=index,
        modality=modality,
        type=type,
        type_probability=0.625,
        xyxy_px=(10 + index, 20, 40 + index, 25),
        area_px=130,
        score=7.25,
        facts=FACTS,
    )


def evidence(name: str, *, kind: EvidenceKind = EvidenceKind.IMAGE, modality: str = "rgb") -> Evidence:
    return Evidence(
        kind=kind, modality=modality, ref=f"evidence/{name}", content_type="image/png", sha256="0" * 64, size=3
    )


def inspection(
    number: int = 0,
    *,
    line: str = LINE,
    verdict: Verdict = Verdict.OK,
    judged: Iterable[str] = ("rgb", "depth"),
    missing: Iterable[str] = (),
    regions: Iterable[Region] = (),
    refs: Iterable[Evidence] | None = None,
    events: Iterable[EventReference] | None = None,
    captured_at: datetime | None = None,
    score: float | None = 1.5,
    **changes: Any,
) -> Inspection:
    """One part's result; `judged` and `missing` modalities decide whether it is partial."""
    judged, missing = tuple(judged), tuple(missing)
    seen = [
        ModalityVerdict(
            modality=name,
            state=ModalityState.USED,
            verdict=verdict,
            score=1.25,
            threshold=2.5,
            mode=Mode.MEMORY,
            deviation=0.5,
        )
        for name in judged
    ]
    unseen = [ModalityVerdict(modality=name, state=ModalityState.MISSING, verdict=Verdict.UNKNOWN) for name in missing]
    if refs is None:
        refs = [evidence(f"{number}/{name}.png") for name in judged]
    if events is None:
        frames = [event(f"{line}/{name}", number, modality=name) for name in judged]
        events = [*frames, event(f"{line}/plc", number, modality=None)]
    usual = {
        "is_partial": bool(missing),
        "result_state": ResultState.COMPLETED if judged else ResultState.FAILED,
        "verdict": verdict,
        "score": score,
        "modalities": (*seen, *unseen),
        "regions": tuple(regions),
        "evidence": tuple(refs),
        "events": tuple(events),
        "provenance": PROVENANCE.model_copy(update={"offset": 1000 + number}),
    }
    return made_inspection(line, f"P{number:06}", captured_at or part_time(number), **{**usual, **changes})


def report(number: int = 0, *, summary: str = "A scratch at the top left.", created_after_s: float = 1.0) -> Report:
    return Report(
        inspection_id=part_key(number),
        line=LINE,
        part_id=f"P{number:06}",
        captured_at=part_time(number),
        created_at=part_time(number) + timedelta(seconds=created_after_s),
        reporter="template",
        summary=summary,
        regions=(ReportedRegion(region_index=0, modality="rgb", sentence="A thin dark scratch."),),
    )


def disposition(
    source: str, sequence: int, outcome: Outcome, reason: str = "", *, session: str = "s1", line: str = LINE
) -> Disposition:
    return Disposition(
        line=line,
        event=event(source, sequence, session=session),
        outcome=outcome,
        reason=reason,
        topic=topics.FRAMES,
        partition=0,
        offset=sequence,
        decided_at=part_time(sequence),
    )


def unreadable(offset: int, reason: str = "header", *, line: str = LINE) -> Disposition:
    """A message whose origin could not be read."""
    return Disposition(
        line=line,
        event=None,
        outcome=Outcome.QUARANTINED,
        reason=reason,
        topic=topics.FRAMES,
        partition=0,
        offset=offset,
        decided_at=part_time(offset),
    )


def heartbeat(
    source: str,
    *,
    captured: str,
    published: str = "",
    spooled: str = "",
    in_flight: str = "",
    dropped: Mapping[str, str] | None = None,
    stage: HeartbeatStage = HeartbeatStage.SEEN,
    session: str = "s1",
    sent_s: float = 0.0,
    partition: int | None = 0,
    closed: bool = False,
    line: str = LINE,
    spool: SpoolState | None = None,
) -> Heartbeat:
    return Heartbeat(
        line=line,
        source=source,
        session=session,
        sent_at=START + timedelta(seconds=sent_s),
        stage=stage,
        partition=partition,
        closed=closed,
        spool=spool,
        ledger=SourceLedger(
            captured=SequenceSet.parse(captured),
            published=SequenceSet.parse(published),
            spooled=SequenceSet.parse(spooled),
            in_flight=SequenceSet.parse(in_flight),
            dropped={reason: SequenceSet.parse(numbers) for reason, numbers in (dropped or {}).items()},  # type: ignore[misc]
        ),
    )


def loss(first: int, last: int, *, partition: int = 0) -> BrokerLoss:
    return BrokerLoss(
        line=LINE, topic=topics.FRAMES, partition=partition, first_offset=first, last_offset=last, noticed_at=START
    )


def line_state(
    *, line: str = LINE, product: str = "bracket", references: Iterable[UUID] = (), offset: float = 0.0
) -> LineState:
    """A state not numbered yet, with two asymmetric tensors."""
    spec = LineSpec(line=line)
    return LineState(
        metadata=StateMetadata(
            line=line,
            product=product,
            version=0,
            recipe="embedded",
            model_digest="m" * 64,
            spec=spec,
            calibrations={"rgb": Calibration(references=2, scores=(1.0, 1.5), location=1.25, scale=0.5)},
            references=tuple(references),
            digest="",
            created_at=START,
        ),
        tensors={
            "rgb.bank": np.arange(6, dtype=np.float32).reshape(2, 3) + np.float32(offset),
            "depth.bank": np.array([[0.5], [-0.5]], dtype=np.float32),
        },
    )
