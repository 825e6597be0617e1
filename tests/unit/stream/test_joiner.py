"""Events of one partition become parts."""

from dataclasses import dataclass, field
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from stream.steps.arrival import Arrival
from stream.steps.joiner import Joiner, Placement
from stream.steps.open_part import DuePart, DueReason
from stream.steps.part_view import to_part
from stream.steps.prefix import Prefix
from tests.unit.stream.made_records import BEGIN, LINE, SPEC, arrival, context_event, frame_event
from wire.identifiers import inspection_id
from wire.line_state import LineSpec

EVENTS = (None, "rgb", "depth")


def event(
    number: int, modality: str | None, offset: int, *, named: bool = True, payload: bytes | None = None
) -> Arrival:
    if modality is None:
        return arrival(context_event(number), offset)
    if payload is not None:
        return arrival(frame_event(number, modality, named=named, payload=payload), offset)
    return arrival(frame_event(number, modality, named=named), offset)


def modalities(part: DuePart) -> list[str | None]:
    return [e.modality for e in part.events]


def test_part_is_due_as_soon_as_everything_expected_is_there() -> None:
    joiner = Joiner()
    for offset, modality in enumerate(("depth", None)):
        assert joiner.offer(event(1, modality, offset), SPEC) is Placement.HELD
        assert joiner.due(0.0) == []
    joiner.offer(event(1, "rgb", 2), SPEC)
    (part,) = joiner.due(0.0)
    assert part.reason is DueReason.COMPLETE
    assert modalities(part) == ["depth", None, "rgb"]
    assert part.offsets == [0, 1, 2]
    assert part.inspection_id() == inspection_id(LINE, "plc-1", "P1")
    assert part.names_itself
    assert joiner.held_bytes == 0


def test_part_without_plc_does_not_wait_for_a_context() -> None:
    joiner = Joiner()
    joiner.offer(
        event(1, "rgb", 0), SPEC.model_copy(update={"expects_context": False, "expected_modalities": ("rgb",)})
    )
    (part,) = joiner.due(0.0)
    assert part.reason is DueReason.COMPLETE


def test_views_of_several_cameras_are_modalities_and_a_missing_one_is_flagged() -> None:
    spec = SPEC.model_copy(
        update={"expects_context": False, "expected_modalities": ("rgb_left", "rgb_right", "rgb_top")}
    )
    joiner = Joiner()
    for number, views in ((1, ("rgb_left", "rgb_top", "rgb_right")), (2, ("rgb_right", "rgb_left"))):
        for at, view in enumerate(views):
            joiner.offer(arrival(frame_event(number, view), 10 * number + at, broker_time_s=100.0), spec)
    (whole,) = joiner.due(100.0)
    assert modalities(whole) == ["rgb_left", "rgb_top", "rgb_right"]
    (partial,) = joiner.due(100.0 + spec.join_window_s)
    assert partial.reason is not DueReason.COMPLETE
    assert partial.inspection_id() == inspection_id(LINE, "plc-1", "P2")  # joined by part id and trigger session
    part = to_part(partial)
    assert (sorted(part.images), part.missing) == (["rgb_left", "rgb_right"], ("rgb_top",))
    assert part.spec == spec  # the line's words go with it


def test_part_is_due_when_the_watermark_reaches_its_deadline_and_not_before() -> None:
    joiner = Joiner()
    joiner.offer(arrival(frame_event(1), 0, broker_time_s=100.0), SPEC)
    assert joiner.due(101.999) == []
    (part,) = joiner.due(102.0)
    assert part.reason is DueReason.DEADLINE
    assert joiner.due(200.0) == []


def test_parts_with_one_deadline_are_due_in_the_order_of_their_first_events() -> None:
    joiner = Joiner()
    for number in (3, 1, 2):
        joiner.offer(arrival(frame_event(number), number, broker_time_s=100.0), SPEC)
    assert [part.anchor.origin.sequence for part in joiner.due(102.0)] == [3, 1, 2]


def test_event_of_a_finished_part_is_late() -> None:
    joiner = Joiner()
    joiner.offer(event(1, "rgb", 0), SPEC)
    joiner.due(1e9)
    assert joiner.offer(event(1, "depth", 1), SPEC) is Placement.LATE
    assert joiner.offer(event(1, "depth", 2), SPEC) is Placement.DUPLICATE


def test_broken_frame_of_a_finished_part_is_only_broken() -> None:
    joiner = Joiner()
    joiner.offer(event(1, "rgb", 0), SPEC)
    joiner.due(1e9)
    assert joiner.offer(event(1, "depth", 1, payload=b"no image"), SPEC) is Placement.BROKEN


def test_duplicate_is_known_while_held_and_after() -> None:
    joiner = Joiner()
    joiner.offer(event(1, "rgb", 0), SPEC)
    assert joiner.offer(event(1, "rgb", 1), SPEC) is Placement.DUPLICATE
    joiner.due(1e9)
    assert joiner.offer(event(1, "rgb", 2), SPEC) is Placement.DUPLICATE


def test_memory_of_the_past_is_bounded() -> None:
    joiner = Joiner(remembered=2)
    for number in (1, 2, 3):
        joiner.offer(event(number, "rgb", number), SPEC)
    joiner.due(1e9)
    assert joiner.offer(event(3, "rgb", 10), SPEC) is Placement.DUPLICATE
    assert joiner.offer(event(1, "rgb", 11), SPEC) is Placement.HELD


def test_broken_frame_counts_as_come_and_opens_its_part() -> None:
    joiner = Joiner()
    assert joiner.offer(event(1, "rgb", 0, payload=b"no image"), SPEC) is Placement.HELD
    joiner.offer(event(1, "depth", 1), SPEC)
    joiner.offer(event(1, None, 2), SPEC)
    (part,) = joiner.due(0.0)
    assert part.reason is DueReason.COMPLETE
    assert [e.modality for e in part.frames] == ["depth"]


def test_good_frame_takes_the_place_of_a_broken_one_and_no_third_joins() -> None:
    joiner = Joiner()
    joiner.offer(event(1, "rgb", 0, payload=b"no image"), SPEC)
    retry = frame_event(1, "rgb")
    other_source = type(retry)(**{**retry.__dict__, "source": f"{LINE}/camera2"})
    third_source = type(retry)(**{**retry.__dict__, "source": f"{LINE}/camera3"})
    assert joiner.offer(arrival(other_source, 1), SPEC) is Placement.HELD
    assert joiner.offer(arrival(third_source, 2), SPEC) is Placement.SURPLUS
    (part,) = joiner.due(1e9)
    assert part.offsets == [0, 1]


def test_restarted_part_counter_opens_another_part_with_the_same_number() -> None:
    joiner = Joiner()
    joiner.offer(arrival(context_event(1, session="plc-1"), 0), SPEC)
    assert joiner.offer(arrival(context_event(1, session="plc-2"), 1), SPEC) is Placement.HELD
    assert len({part.inspection_id() for part in joiner.due(1e9)}) == 2


def test_frames_without_id_join_by_time_and_take_the_name_of_the_context() -> None:
    joiner = Joiner()
    joiner.offer(event(5, "rgb", 0, named=False), SPEC)
    joiner.offer(event(6, "rgb", 1, named=False), SPEC)
    joiner.offer(event(6, None, 2), SPEC)
    joiner.offer(event(5, "depth", 3, named=False), SPEC)
    joiner.offer(event(5, None, 4), SPEC)
    joiner.offer(event(6, "depth", 5, named=False), SPEC)
    parts = joiner.due(0.0)
    assert [part.offsets for part in parts] == [[0, 3, 4], [1, 2, 5]]
    assert [part.reference().part_id for part in parts] == ["P5", "P6"]
    assert not any(part.names_itself for part in parts)


def test_frames_further_apart_than_the_match_window_stay_apart() -> None:
    joiner = Joiner()
    narrow = SPEC.model_copy(update={"match_window_s": 0.5})
    joiner.offer(event(5, "rgb", 0, named=False), narrow)
    joiner.offer(event(6, "depth", 1, named=False), narrow)
    assert [part.offsets for part in joiner.due(1e9)] == [[0], [1]]


def test_part_without_id_is_named_after_its_first_event() -> None:
    joiner = Joiner()
    first = event(5, "rgb", 0, named=False)
    joiner.offer(first, SPEC)
    joiner.offer(event(5, "depth", 1, named=False), SPEC)
    (part,) = joiner.due(1e9)
    assert part.inspection_id() == inspection_id(LINE, "s1", str(first.origin.event_id))
    assert part.reference().trigger_session == "s1"


def test_frame_without_id_is_never_late() -> None:
    joiner = Joiner()
    joiner.offer(event(5, "rgb", 0, named=False), SPEC)
    joiner.due(1e9)
    assert joiner.offer(event(5, "depth", 1, named=False), SPEC) is Placement.HELD


def test_oldest_part_is_forced_first_and_gives_its_memory_back() -> None:
    joiner = Joiner()
    joiner.offer(event(1, "rgb", 0), SPEC)
    held = joiner.held_bytes
    joiner.offer(event(2, "rgb", 1), SPEC)
    assert joiner.held_bytes == 2 * held > 2 * 8 * 8 * 3
    part = joiner.force_oldest()
    assert part is not None
    assert part.reason is DueReason.MEMORY
    assert part.anchor.origin.sequence == 1
    assert joiner.held_bytes == held
    joiner.force_oldest()
    assert joiner.force_oldest() is None
    assert joiner.oldest_s == float("inf")


def test_the_plc_has_the_last_word_on_product_and_time() -> None:
    joiner = Joiner()
    joiner.offer(event(1, "rgb", 0), SPEC)
    joiner.offer(event(1, None, 1), SPEC)
    (part,) = joiner.due(1e9)
    reference = part.reference()
    assert (reference.product, reference.job) == ("bolt", "J7")
    assert reference.triggered_at is not None
    assert (reference.triggered_at - BEGIN).total_seconds() == 1


@dataclass
class Run:
    """What one reader of the partition did with each offset."""

    parts: dict[UUID, set[UUID]] = field(default_factory=dict)
    outcomes: dict[int, str] = field(default_factory=dict)

    def close(self, due: list[DuePart]) -> None:
        for part in due:
            self.parts.setdefault(part.inspection_id(), set()).update(e.origin.event_id for e in part.events)
            for offset in part.offsets:
                assert offset not in self.outcomes
                self.outcomes[offset] = "used"


def read(log: list[tuple[int, Arrival]], spec: LineSpec) -> Run:
    """Read a log of (broker time, event) as inspect does."""
    joiner, run, watermark = Joiner(), Run(), float("-inf")
    for time_s, item in log:
        watermark = max(watermark, time_s)
        run.close(joiner.due(watermark))
        placement = joiner.offer(item, spec)
        if placement is not Placement.HELD:
            assert item.offset not in run.outcomes
            run.outcomes[item.offset] = placement.value
        run.close(joiner.due(watermark))
    run.close(joiner.due(float("inf")))
    return run


@st.composite
def logs(draw: st.DrawFn) -> list[tuple[int, Arrival]]:
    """Events of some parts in any order, some missing, some repeated, at any broker times."""
    keys = [(number, modality) for number in range(draw(st.integers(1, 5))) for modality in EVENTS]
    kept = draw(st.lists(st.sampled_from(keys), min_size=1, max_size=25))
    times = sorted(draw(st.lists(st.integers(0, 8), min_size=len(kept), max_size=len(kept))))
    broken = draw(st.sets(st.sampled_from(keys)))
    log = []
    for offset, ((number, modality), time_s) in enumerate(zip(kept, times, strict=True)):
        payload = b"no image" if (number, modality) in broken and modality else None
        item = event(number, modality, offset, payload=payload)
        log.append((time_s, arrival_at(item, time_s)))
    return log


def arrival_at(item: Arrival, time_s: float) -> Arrival:
    fields = {name: getattr(item, name) for name in Arrival.__dataclass_fields__}
    record_fields = {name: getattr(item.record, name) for name in type(item.record).__dataclass_fields__}
    return Arrival(**{**fields, "record": type(item.record)(**{**record_fields, "broker_time_s": time_s})})


@settings(deadline=None)  # two busy cores make any example slow
@given(logs())
def test_every_offset_gets_exactly_one_outcome_and_every_event_that_counts_a_part(
    log: list[tuple[int, Arrival]],
) -> None:
    run = read(log, SPEC)
    assert set(run.outcomes) == {item.offset for _, item in log}
    for _, item in log:
        part = inspection_id(LINE, "plc-1", item.part.part_id or "")
        assert part in run.parts
    used = {item.origin.event_id for _, item in log if run.outcomes[item.offset] == "used"}
    assert used == set().union(*run.parts.values())


@settings(deadline=None)  # two busy cores make any example slow
@given(logs(), st.data())
def test_replay_of_any_suffix_leads_to_the_same_parts(log: list[tuple[int, Arrival]], data: st.DataObject) -> None:
    """A worker that dies after an acknowledged prefix: the next one adds no part and loses no event."""
    whole = read(log, SPEC)
    begin = data.draw(st.integers(0, len(log)))
    replayed = read(log[begin:], SPEC)
    assert set(replayed.parts) <= set(whole.parts)
    assert set(replayed.outcomes) == {item.offset for _, item in log[begin:]}
    placed = {item.origin.event_id for _, item in log}
    known = set().union(*whole.parts.values(), *replayed.parts.values())
    refused = {item.origin.event_id for _, item in log if whole.outcomes[item.offset] in ("late", "broken")}
    assert placed == known | refused


@settings(deadline=None)  # two busy cores make any example slow
@given(st.data())
def test_parts_without_ids_keep_their_names_wherever_the_acknowledged_prefix_ends(data: st.DataObject) -> None:
    """Interleaved parts of one camera pair; parts are finished in any order, and the worker dies at any moment."""
    spec = LineSpec(line=LINE, expected_modalities=("rgb", "depth"), expects_context=False, join_window_s=4.0)
    count = data.draw(st.integers(1, 6))
    frames = [(number, modality) for number in range(count) for modality in ("rgb", "depth")]
    order = data.draw(st.permutations(frames))
    times = sorted(data.draw(st.lists(st.integers(0, 8), min_size=len(order), max_size=len(order))))
    log = [
        (time_s, arrival_at(event(number, modality, offset, named=False), time_s))
        for offset, ((number, modality), time_s) in enumerate(zip(order, times, strict=True))
    ]
    clean = read(log, spec)

    joiner, prefix, watermark = Joiner(), Prefix(), float("-inf")
    open_parts: list[DuePart] = []
    published: set[UUID] = set()
    committed = 0
    for time_s, item in log[: data.draw(st.integers(0, len(log)))]:
        prefix.add(item.offset)
        watermark = max(watermark, time_s)
        open_parts += joiner.due(watermark)
        joiner.offer(item, spec)
        open_parts += joiner.due(watermark)
        while open_parts and data.draw(st.booleans()):
            part = open_parts.pop(data.draw(st.integers(0, len(open_parts) - 1)))
            published.add(part.inspection_id())
            prefix.finish(part.offsets, together=not part.names_itself)
            committed = max([committed, *(offset + 1 for offset in prefix.release())])
    replayed = read(log[committed:], spec)
    assert published | set(replayed.parts) == set(clean.parts)
