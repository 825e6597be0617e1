from datetime import UTC, datetime
from uuid import UUID

import pytest

from models.report.template import describe, region_sentence
from wire.facts import Facts, PositionShare
from wire.finding import ModalityState, ModalityVerdict, Mode, Region, Verdict
from wire.inspection import Inspection, ProcessingTimes, Provenance, ResultState

AT = datetime(2026, 1, 1, tzinfo=UTC)


def facts(**changes: object) -> Facts:
    fields = {
        "scale": "tiny", "polarity": "dark", "saliency": "high", "number": "one",
        "position": (PositionShare(cell="top-left", share=0.7), PositionShare(cell="top", share=0.3)),
        "shape": "linear", "direction": "horizontal", "distribution": "isolated", "area_ratio": 0.005,
        "contrast": -70.0,
    }  # fmt: skip
    return Facts.model_validate({**fields, **changes})


def region(type: str = "unknown", index: int = 0, **changes: object) -> Region:
    return Region(
        index=index, modality="rgb", type=type, xyxy_px=(0, 0, 4, 4), area_px=9, score=3.0, facts=facts(**changes)
    )


def inspection(
    verdict: Verdict,
    modalities: tuple[ModalityVerdict, ...],
    regions: tuple[Region, ...] = (),
    mode: Mode = Mode.MEMORY,
) -> Inspection:
    return Inspection(
        inspection_id=UUID(int=1), line="a.b.c", part_id="P-7", trigger_session="s", captured_at=AT, created_at=AT,
        processing=ProcessingTimes(captured_first_at=AT, start_time=AT, end_time=AT, model_s=0.1), is_partial=False,
        result_state=ResultState.COMPLETED, verdict=verdict, score=1.0, threshold=2.0, mode=mode, modalities=modalities,
        regions=regions, evidence=(), events=(),
        provenance=Provenance(
            software_version="1", recipe="embedded", model_digest="d", state_version=1, state_digest="e", worker="w",
            topic="t", partition=0, offset=0,
        ),
    )  # fmt: skip


def judged(modality: str, verdict: Verdict) -> ModalityVerdict:
    return ModalityVerdict(modality=modality, state=ModalityState.USED, verdict=verdict)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "A tiny dark linear defect of high contrast at the top-left and the top, running horizontally."),
        (
            {"type": "missing_print", "polarity": "neutral", "saliency": "low", "shape": "unclear",
             "direction": "none"},
            "A tiny missing print of low contrast at the top-left and the top.",
        ),
        (
            {"scale": "extensive", "shape": "irregular", "direction": "diagonal", "length_mm": 12.345,
             "area_mm2": 20.0},
            "An extensive dark irregular defect of high contrast at the top-left and the top, running diagonally, "
            "12.3 mm long, 20 mm².",
        ),
        (
            {"number": "three", "distribution": "clustered", "shape": "fragmented", "direction": "none",
             "position": (PositionShare(cell="center", share=1.0),)},
            "A tiny dark fragmented defect of high contrast in three parts (clustered) at the center.",
        ),
        (
            {"number": "multiple", "distribution": "scattered", "direction": "vertical", "position": ()},
            "A tiny dark linear defect of high contrast in several parts (scattered) without a place, "
            "running vertically.",
        ),
    ],
)  # fmt: skip
def test_a_region_is_one_grammatical_sentence(changes: dict[str, object], sentence: str):
    assert region_sentence(region(**changes)) == sentence


def test_a_good_part_is_said_to_be_good():
    description = describe(inspection(Verdict.OK, (judged("rgb", Verdict.OK),)))
    assert description.summary == "Part P-7 shows no defect."
    assert description.regions == ()


def test_a_defective_part_names_the_modalities_that_show_it_and_counts_regions():
    verdicts = (judged("rgb", Verdict.DEFECT), judged("depth", Verdict.DEFECT), judged("sensor", Verdict.OK))
    description = describe(inspection(Verdict.DEFECT, verdicts, (region(index=0), region(index=1))))
    assert description.summary == (
        "Part P-7 is defective: it deviates from good parts in the colour image and the depth image. "
        "Two regions are marked."
    )
    assert [(r.region_index, r.modality) for r in description.regions] == [(0, "rgb"), (1, "rgb")]


def test_missing_and_unreadable_modalities_are_said():
    verdicts = (
        judged("rgb", Verdict.OK),
        ModalityVerdict(modality="depth", state=ModalityState.MISSING, verdict=Verdict.UNKNOWN),
        ModalityVerdict(modality="sensor", state=ModalityState.MISSING, verdict=Verdict.UNKNOWN),
        ModalityVerdict(modality="infrared", state=ModalityState.QUARANTINED, verdict=Verdict.UNKNOWN),
    )
    assert describe(inspection(Verdict.OK, verdicts)).summary == (
        "Part P-7 shows no defect. The depth image and the sensor data were missing. The infrared image was unreadable."
    )


def test_a_zero_shot_verdict_says_that_nothing_was_learned_yet():
    found = inspection(Verdict.DEFECT, (judged("rgb", Verdict.DEFECT),), (region(),), mode=Mode.ZERO_SHOT)
    assert describe(found).summary == (
        "Part P-7 is defective: it deviates from good parts in the colour image. One region is marked. "
        "The line has no memory of good parts yet."
    )


def test_a_part_of_which_nothing_was_readable_could_not_be_judged():
    verdicts = (ModalityVerdict(modality="rgb", state=ModalityState.QUARANTINED, verdict=Verdict.UNKNOWN),)
    assert describe(inspection(Verdict.UNKNOWN, verdicts, mode=Mode.ZERO_SHOT)).summary == (
        "Part P-7 could not be judged. The colour image was unreadable."
    )


def test_a_part_that_was_scored_before_the_line_has_a_memory_was_not_judged():
    scored = judged("rgb", Verdict.UNKNOWN).model_copy(update={"score": 7.0})
    assert describe(inspection(Verdict.UNKNOWN, (scored,), mode=Mode.ZERO_SHOT)).summary == (
        "Part P-7 was not judged: the line has no memory of good parts yet."
    )
