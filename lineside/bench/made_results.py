"""Inspections as a line makes them, for the store to write: two modalities, one part in ten with a defect."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from wire.facts import Facts, PositionShare
from wire.finding import ModalityState, ModalityVerdict, Mode, Region, Verdict
from wire.frame import DEPTH, RGB, Origin
from wire.identifiers import inspection_id
from wire.inspection import Evidence, EvidenceKind, Inspection, ProcessingTimes, Provenance, ResultState
from wire.ledger import EventReference

_LINE: Final = "bench.hall1.line1"
_SESSION: Final = "20260101T060000-bench"
_DEFECT_EVERY: Final = 10
_DIGEST: Final = "5f" * 32
# Two parts a second: what one line makes.
_INTERVAL: Final = timedelta(seconds=0.5)


def made_results(count: int) -> list[Inspection]:
    """Results of consecutive parts, the last one made just now."""
    begun = datetime.now(UTC) - count * _INTERVAL
    return [_result(number, begun + number * _INTERVAL) for number in range(count)]


def _result(number: int, captured_at: datetime) -> Inspection:
    part_id = f"P-{number:08d}"
    defect = number % _DEFECT_EVERY == 0
    verdict = Verdict.DEFECT if defect else Verdict.OK
    made_at = captured_at + timedelta(milliseconds=120)
    return Inspection(
        inspection_id=inspection_id(_LINE, _SESSION, part_id),
        line=_LINE,
        part_id=part_id,
        trigger_session=_SESSION,
        product="tile-a",
        job="J-77",
        recipe="R1",
        packml_state="Execute",
        captured_at=captured_at,
        created_at=made_at,
        processing=ProcessingTimes(
            captured_first_at=captured_at, start_time=captured_at, end_time=made_at, model_s=0.0251
        ),
        is_partial=False,
        result_state=ResultState.COMPLETED,
        verdict=verdict,
        score=1.0 + number % 97 / 100 + 3 * defect,
        threshold=2.5,
        false_alarm_rate=0.01,
        mode=Mode.MEMORY,
        modalities=tuple(
            ModalityVerdict(
                modality=modality,
                state=ModalityState.USED,
                verdict=verdict,
                score=1.0 + number % 89 / 100 + 3 * defect,
                threshold=2.5,
                mode=Mode.MEMORY,
                deviation=0.7 + number % 83 / 100 + 3 * defect,
            )
            for modality in (DEPTH, RGB)
        ),
        regions=(_region(number),) if defect else (),
        evidence=tuple(_evidence(number, defect=defect)),
        events=(
            EventReference.of(
                Origin(line=_LINE, source=f"{_LINE}/camera1", session=_SESSION, sequence=number),
                modality=RGB,
                captured_at=captured_at,
            ),
            EventReference.of(
                Origin(line=_LINE, source=f"{_LINE}/depth1", session=_SESSION, sequence=number),
                modality=DEPTH,
                captured_at=captured_at,
            ),
            EventReference.of(Origin(line=_LINE, source=f"{_LINE}/plc", session=_SESSION, sequence=number)),
        ),
        provenance=Provenance(
            software_version="0.1.0",
            recipe="embedded",
            model_digest=_DIGEST,
            state_version=1,
            state_digest=_DIGEST,
            worker="inspect-1",
            topic="lineside.frames",
            partition=0,
            offset=3 * number,
        ),
    )


def _evidence(number: int, *, defect: bool) -> list[Evidence]:
    kinds = [EvidenceKind.IMAGE, EvidenceKind.MAP]
    if defect:
        kinds += [EvidenceKind.MASK, EvidenceKind.OVERLAY]
    found = []
    for modality in (DEPTH, RGB):
        for kind in kinds:
            digest = sha256(f"{number}/{modality}/{kind}".encode()).hexdigest()
            found.append(
                Evidence(
                    kind=kind,
                    modality=modality,
                    ref=f"evidence/{digest[:2]}/{digest}.png",
                    content_type="image/png",
                    sha256=digest,
                    size=41_234,
                    scale=0.0001 if kind is EvidenceKind.MAP else None,
                )
            )
    return found


def _region(number: int) -> Region:
    x0, y0 = number % 200, number % 150
    return Region(
        index=0,
        modality=RGB,
        xyxy_px=(x0, y0, x0 + 31, y0 + 9),
        area_px=143,
        score=4.2,
        facts=Facts(
            scale="small",
            polarity="dark",
            saliency="medium",
            number="one",
            position=(PositionShare(cell="center", share=0.8), PositionShare(cell="top", share=0.2)),
            shape="linear",
            direction="diagonal",
            distribution="isolated",
            area_ratio=0.0019,
            contrast=31.7,
        ),
    )
