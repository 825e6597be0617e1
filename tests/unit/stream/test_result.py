"""The wire result of a part."""

from datetime import timedelta

import numpy as np

from stream.steps.joiner import Joiner
from stream.steps.open_part import DuePart
from stream.steps.part_view import to_part
from stream.steps.result import Maker, Timing, assemble
from tests.unit.stream.made_records import BEGIN, LINE, PNG, SPEC, arrival, context_event, frame_event
from tests.unit.stream.sabotage import Sabotage
from tests.unit.stream.scripted_inspector import ScriptedInspector
from wire.cloudevents import CloudEvent
from wire.finding import ModalityState, Mode, Verdict
from wire.inspection import Inspection, ResultState

MAKER = Maker(
    software_version="1.2",
    recipe="scripted",
    model_digest="d",
    worker="w1",
    recipe_changes={"backbone.vv_mode": "none"},
)
TIMING = Timing(start=BEGIN, end=BEGIN + timedelta(seconds=1), model_s=0.25)


def due(*events: CloudEvent) -> DuePart:
    joiner = Joiner()
    for offset, event in enumerate(events):
        joiner.offer(arrival(event, offset + 40), SPEC)
    (part,) = joiner.due(float("inf"))
    return part


def result(part: DuePart) -> Inspection:
    view = to_part(part)
    finding = None if view is None else ScriptedInspector(Sabotage()).inspect([view], [None])[0]
    return assemble(part, finding, state=None, evidence=(), timing=TIMING, maker=MAKER)


def test_a_result_names_the_recipe_and_its_switches() -> None:
    provenance = result(due(frame_event(3), frame_event(3, "depth"), context_event(3))).provenance
    assert (provenance.recipe, provenance.recipe_changes) == ("scripted", {"backbone.vv_mode": "none"})


def test_complete_part_carries_what_the_plc_said_and_where_it_came_from() -> None:
    inspection = result(due(frame_event(3), frame_event(3, "depth"), context_event(3)))
    assert (inspection.part_id, inspection.trigger_session) == ("P3", "plc-1")
    assert (inspection.product, inspection.job) == ("bolt", "J7")
    assert inspection.captured_at == BEGIN + timedelta(seconds=3)
    assert inspection.processing.captured_first_at == BEGIN + timedelta(seconds=3, milliseconds=10)
    assert (inspection.is_partial, inspection.result_state) == (False, ResultState.COMPLETED)
    assert (inspection.mode, inspection.provenance.state_version) == (Mode.ZERO_SHOT, None)
    assert (inspection.provenance.topic, inspection.provenance.offset) == ("lineside.frames", 40)
    assert [(event.source, event.modality) for event in inspection.events] == [
        (f"{LINE}/rgb1", "rgb"),
        (f"{LINE}/depth1", "depth"),
        (f"{LINE}/plc", None),
    ]
    assert Inspection.from_json(inspection.to_json()) == inspection


def test_missing_modality_makes_a_result_partial() -> None:
    inspection = result(due(frame_event(3), context_event(3)))
    assert inspection.is_partial
    assert [(v.modality, v.state) for v in inspection.modalities] == [
        ("rgb", ModalityState.USED),
        ("depth", ModalityState.MISSING),
    ]


def test_missing_context_makes_a_result_partial() -> None:
    assert result(due(frame_event(3), frame_event(3, "depth"))).is_partial


def test_broken_frame_is_named_quarantined_and_is_no_used_event() -> None:
    inspection = result(due(frame_event(3, payload=PNG[:30]), frame_event(3, "depth"), context_event(3)))
    assert inspection.is_partial
    assert inspection.modalities[0].state is ModalityState.QUARANTINED
    assert inspection.modalities[0].verdict is Verdict.UNKNOWN
    assert [event.modality for event in inspection.events] == ["depth", None]


def test_extra_modality_is_judged_and_named_after_the_expected_ones() -> None:
    inspection = result(due(frame_event(3, "infrared"), frame_event(3), frame_event(3, "depth"), context_event(3)))
    assert [v.modality for v in inspection.modalities] == ["rgb", "depth", "infrared"]
    assert not inspection.is_partial


def test_view_of_a_part_has_each_frame_in_its_place() -> None:
    part = to_part(due(frame_event(3, "infrared"), frame_event(3, "depth"), context_event(3)))
    assert part is not None
    assert part.images.keys() == {"infrared"}
    assert part.depth_mm is not None
    assert part.depth_mm.dtype == np.float32
    assert part.missing == ("rgb",)
    assert (part.part_id, part.product) == ("P3", "bolt")


def test_part_without_any_frame_has_no_view() -> None:
    assert to_part(due(context_event(3))) is None
