"""A part waits for what a source says that it holds back, and for nothing else."""

from stream.steps.joiner import Joiner, Placement
from stream.steps.open_part import DuePart, DueReason
from tests.unit.stream.made_records import LINE, SPEC, arrival, context_event, frame_event, heartbeat_event
from wire.ledger import DropReason, Heartbeat, SourceLedger
from wire.sequence_set import SequenceSet

# The colour camera of ``frame_event``. A part's deadline is two seconds after its first event.
CAMERA = f"{LINE}/rgb1"


def beat(
    published: str, *, spooled: str = "", in_flight: str = "", dropped: str = "", source: str = CAMERA
) -> Heartbeat:
    heartbeat = Heartbeat.from_json(heartbeat_event(published, source=source).data)
    sets = {name: SequenceSet.parse(text) for name, text in (("spooled", spooled), ("in_flight", in_flight))}
    lost = SequenceSet.parse(dropped)
    captured = SequenceSet.parse(published).union(sets["spooled"]).union(sets["in_flight"]).union(lost)
    ledger = SourceLedger(
        captured=captured,
        published=SequenceSet.parse(published),
        dropped={DropReason.SPOOL_FULL: lost} if lost else {},
        **sets,
    )
    return heartbeat.model_copy(update={"ledger": ledger})


class Log:
    """A joiner, fed at broker times."""

    def __init__(self, *, backlog_s: float = 60.0) -> None:
        self.joiner = Joiner(backlog_s=backlog_s)
        self.due: list[DuePart] = []
        self._offset = 0

    def hear(self, at_s: float, heartbeat: Heartbeat) -> None:
        self.joiner.hear(heartbeat, at_s)
        self.pass_time(at_s)

    def context(self, at_s: float, number: int) -> Placement:
        self.pass_time(at_s)
        self._offset += 1
        return self.joiner.offer(arrival(context_event(number), self._offset, broker_time_s=at_s), SPEC)

    def frame(self, at_s: float, number: int, modality: str) -> Placement:
        self.pass_time(at_s)
        self._offset += 1
        event = frame_event(number, modality)
        placement = self.joiner.offer(arrival(event, self._offset, broker_time_s=at_s), SPEC)
        self.pass_time(at_s)
        return placement

    def pass_time(self, at_s: float) -> None:
        self.due += self.joiner.due(at_s)


def part_without_its_image(log: Log, number: int = 1, at_s: float = 100.0) -> None:
    log.context(at_s, number)
    log.frame(at_s, number, "depth")


def test_part_waits_for_a_spooled_frame_and_is_complete_when_it_comes() -> None:
    log = Log()
    part_without_its_image(log)
    log.hear(101, beat("0", spooled="1"))
    log.hear(109, beat("0", spooled="1-9"))
    assert log.due == []
    assert log.frame(110, 1, "rgb") is Placement.HELD
    assert [part.reason for part in log.due] == [DueReason.COMPLETE]


def test_frame_on_its_way_to_the_broker_is_waited_for_like_a_spooled_one() -> None:
    log = Log()
    part_without_its_image(log)
    log.hear(102, beat("0", in_flight="1"))
    assert log.due == []


def test_part_stops_waiting_when_all_that_was_held_back_at_its_deadline_is_published() -> None:
    """What the camera spools later is of later parts."""
    log = Log()
    part_without_its_image(log)
    log.hear(102, beat("0", spooled="1-3"))
    log.hear(103, beat("0-2", spooled="3-9"))
    assert log.due == []
    log.hear(104, beat("0-3", spooled="4-20"))
    assert [part.reason for part in log.due] == [DueReason.DEADLINE]


def test_part_stops_waiting_when_the_source_drops_what_it_held_back() -> None:
    log = Log()
    part_without_its_image(log)
    log.hear(102, beat("0", spooled="1-3"))
    log.hear(103, beat("0,2-3", dropped="1", spooled="4"))
    assert len(log.due) == 1


def test_frame_that_a_restarted_camera_has_not_captured_again_yet_is_still_owed() -> None:
    """Its ledger begins empty; the file is still in its folder."""
    log = Log()
    part_without_its_image(log)
    log.hear(102, beat("0", in_flight="1"))
    log.hear(105, beat(""))
    assert log.due == []
    log.frame(106, 1, "rgb")
    assert [part.reason for part in log.due] == [DueReason.COMPLETE]


def test_part_stops_waiting_when_the_source_has_delivered_to_a_part_behind_it() -> None:
    log = Log()
    part_without_its_image(log, 1)
    part_without_its_image(log, 2, at_s=100.5)
    log.hear(102, beat("0", spooled="1-9"))
    log.frame(104, 2, "rgb")
    log.pass_time(105.1)
    assert [(part.anchor.origin.sequence, part.reason) for part in log.due] == [
        (2, DueReason.COMPLETE),
        (1, DueReason.DEADLINE),
    ]


def test_part_waits_for_a_spooled_frame_although_newer_ones_have_passed_it() -> None:
    """A connector drains its spool beside new events: what it has delivered behind says nothing about this one."""
    log = Log()
    part_without_its_image(log, 1)
    part_without_its_image(log, 2, at_s=100.5)
    log.frame(101, 2, "rgb")
    log.hear(101.5, beat("0,2", spooled="1"))
    log.pass_time(105.1)
    assert [part.anchor.origin.sequence for part in log.due] == [2]
    log.frame(106, 1, "rgb")
    assert [(part.anchor.origin.sequence, part.reason) for part in log.due][1:] == [(1, DueReason.COMPLETE)]


def test_source_that_brings_nothing_of_what_is_missing_is_not_waited_for() -> None:
    log = Log()
    log.frame(90, 0, "depth")
    log.frame(90, 0, "rgb")
    log.context(90, 0)
    part_without_its_image(log)
    log.hear(101, beat("0-1", spooled="2-9", source=f"{LINE}/depth1"))
    log.pass_time(102)
    assert [part.reason for part in log.due] == [DueReason.COMPLETE, DueReason.DEADLINE]


def test_source_of_another_line_is_not_waited_for() -> None:
    log = Log()
    part_without_its_image(log)
    other = beat("0", spooled="1", source="site.hall.line2/rgb1").model_copy(update={"line": "site.hall.line2"})
    log.hear(102, other)
    assert len(log.due) == 1


def test_silent_source_expires() -> None:
    """Ten seconds after its last heartbeat nobody believes in its spool any more."""
    log = Log()
    part_without_its_image(log)
    log.hear(101.5, beat("0", spooled="1"))
    log.pass_time(111.4)
    assert log.due == []
    log.pass_time(112.5)
    assert [part.reason for part in log.due] == [DueReason.DEADLINE]


def test_source_that_never_empties_its_spool_stalls_a_part_for_a_bounded_time() -> None:
    log = Log(backlog_s=30)
    part_without_its_image(log)
    for second in range(101, 132):
        log.hear(second, beat("0", spooled="1"))
    assert log.due == []
    log.hear(132, beat("0", spooled="1"))
    assert [part.reason for part in log.due] == [DueReason.DEADLINE]


def test_without_patience_the_deadline_is_the_end() -> None:
    log = Log(backlog_s=0)
    part_without_its_image(log)
    log.hear(102, beat("0", spooled="1"))
    assert len(log.due) == 1
    assert log.frame(102, 1, "rgb") is Placement.LATE
