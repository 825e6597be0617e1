"""Assembles the result of one part: what was found, from what, by which state (OPC 40100-1 names, DESIGN §2)."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime

from stream.steps.open_part import DuePart
from wire.finding import Finding, ModalityState, ModalityVerdict, Mode, Verdict
from wire.inspection import Evidence, Inspection, ProcessingTimes, Provenance, ResultState
from wire.line_state import LineState


@dataclass(frozen=True, kw_only=True)
class Maker:
    """Who makes results: the same for every result of a worker."""

    software_version: str
    recipe: str
    model_digest: str
    worker: str
    recipe_changes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Timing:
    """When a part was worked on; ``model_s`` is its share of its batch's model time."""

    start: datetime
    end: datetime
    model_s: float


def assemble(
    due: DuePart,
    finding: Finding | None,
    *,
    state: LineState | None,
    evidence: Sequence[Evidence],
    timing: Timing,
    maker: Maker,
) -> Inspection:
    """The wire result. ``finding`` None: nothing of the part could be judged, so its verdict is unknown."""
    reference = due.reference()
    anchor = due.anchor
    modalities = modality_verdicts(due, finding)
    used = {verdict.modality for verdict in modalities if verdict.state is ModalityState.USED}
    without_context = due.spec.expects_context and all(event.modality is not None for event in due.events)
    spec = state.metadata.spec if state is not None else due.spec
    return Inspection(
        inspection_id=due.inspection_id(),
        line=due.line,
        part_id=reference.part_id or "",
        trigger_session=reference.trigger_session or "",
        product=reference.product or "",
        job=reference.job or "",
        recipe=reference.recipe or "",
        serial_number=reference.serial_number or "",
        packml_state=reference.packml_state or "",
        outside_execute=reference.outside_execute,
        captured_at=reference.triggered_at or anchor.captured_at,
        created_at=timing.end,
        processing=ProcessingTimes(
            captured_first_at=min((e.captured_at for e in due.events if e.modality is not None), default=None),
            start_time=timing.start,
            end_time=timing.end,
            model_s=timing.model_s,
        ),
        is_partial=without_context or not used.issuperset(due.spec.expected_modalities),
        is_simulated=reference.simulated,
        result_state=ResultState.FAILED if finding is None else ResultState.COMPLETED,
        verdict=Verdict.UNKNOWN if finding is None else finding.verdict,
        score=None if finding is None else finding.score,
        threshold=None if finding is None else finding.threshold,
        false_alarm_rate=spec.false_alarm_rate,
        mode=Mode.ZERO_SHOT if finding is None else finding.mode,
        modalities=modalities,
        regions=() if finding is None else finding.regions,
        evidence=tuple(evidence),
        events=tuple(event.reference() for event in due.events if event.failure is None),
        provenance=Provenance(
            software_version=maker.software_version,
            recipe=maker.recipe,
            recipe_changes=dict(maker.recipe_changes),
            model_digest=maker.model_digest,
            state_version=None if state is None else state.metadata.version,
            state_digest=None if state is None else state.metadata.digest,
            worker=maker.worker,
            topic=anchor.record.topic,
            partition=anchor.record.partition,
            offset=anchor.record.offset,
        ),
    )


def modality_verdicts(due: DuePart, finding: Finding | None) -> tuple[ModalityVerdict, ...]:
    """One verdict per modality that was expected or came: the detector's, or why there is none."""
    judged = {verdict.modality: verdict for verdict in finding.modalities} if finding else {}
    came = {event.modality for event in due.events if event.modality is not None}
    names = [*due.spec.expected_modalities, *sorted((came | judged.keys()) - set(due.spec.expected_modalities))]
    good = {event.modality for event in due.frames}
    return tuple(
        verdict
        if (verdict := judged.get(name)) is not None and name in good
        else ModalityVerdict(modality=name, state=_state(name, came, good), verdict=Verdict.UNKNOWN)
        for name in names
    )


def _state(name: str, came: Set[str], good: Set[str | None]) -> ModalityState:
    if name in good:
        return ModalityState.USED
    return ModalityState.QUARANTINED if name in came else ModalityState.MISSING
