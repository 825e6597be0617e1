from datetime import UTC, datetime

from dashboard.pages.wording import types_text
from tests.unit.dashboard.made_parts import scratch
from tests.unit.wire.examples import made_inspection
from wire.finding import ModalityState, ModalityVerdict, Verdict

AT = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)


def modality(name: str, verdict: Verdict) -> ModalityVerdict:
    return ModalityVerdict(modality=name, state=ModalityState.USED, verdict=verdict, score=1.0, threshold=2.0)


def test_a_part_is_named_by_its_types_else_its_regions_else_the_senses_that_flagged_it() -> None:
    senses = [modality("rgb", Verdict.OK), modality("sensor", Verdict.DEFECT)]
    part = made_inspection("a.b.c", "P-1", AT, verdict=Verdict.DEFECT, modalities=senses, regions=[scratch("scratch")])

    assert types_text(part) == "scratch"
    assert types_text(part.model_copy(update={"regions": [scratch("unknown")]})) == "1 region"
    assert types_text(part.model_copy(update={"regions": []})) == "sensor"
    assert types_text(part.model_copy(update={"regions": [], "modalities": senses[:1]})) == ""
