"""Results as inspect publishes them."""

from datetime import timedelta

from tests.unit.stream.made_records import BEGIN, LINE
from tests.unit.stream.scripted_inspector import FACTS
from tests.unit.wire.examples import PROVENANCE, made_inspection
from wire.finding import ModalityState, ModalityVerdict, Mode, Region, Verdict
from wire.frame import Origin
from wire.inspection import Evidence, EvidenceKind, Inspection, ProcessingTimes
from wire.ledger import EventReference


def inspection(
    number: int,
    *,
    verdict: Verdict = Verdict.OK,
    line: str = LINE,
    product: str = "bolt",
    image: str = "",
    sha256: str = "",
    mask: str = "",
) -> Inspection:
    """The result of part ``number``; ``image`` and ``mask`` name its stored payload and mask."""
    captured_at = BEGIN + timedelta(seconds=number)
    region = Region(index=0, modality="rgb", xyxy_px=(0, 0, 8, 8), area_px=64, score=250.0, facts=FACTS)
    evidence = Evidence(
        kind=EvidenceKind.IMAGE, modality="rgb", ref=image, content_type="image/png", sha256=sha256, size=1
    )
    marked = evidence.model_copy(update={"kind": EvidenceKind.MASK, "ref": mask})
    return made_inspection(
        line,
        f"P{number}",
        captured_at,
        product=product,
        processing=ProcessingTimes(
            captured_first_at=captured_at,
            start_time=captured_at,
            end_time=captured_at + timedelta(seconds=1),
            model_s=0.1,
        ),
        verdict=verdict,
        score=250.0 if verdict is Verdict.DEFECT else 100.0,
        threshold=200.0,
        mode=Mode.ZERO_SHOT,
        modalities=(ModalityVerdict(modality="rgb", state=ModalityState.USED, verdict=verdict, score=100.0),),
        regions=(region,) if verdict is Verdict.DEFECT else (),
        evidence=(*((evidence,) if image else ()), *((marked,) if mask else ())),
        events=(EventReference.of(Origin(line=line, source=f"{line}/rgb1", session="s1", sequence=number)),),
        provenance=PROVENANCE.model_copy(update={"state_version": None, "state_digest": None, "offset": number}),
    )
