"""What inspect holds of one partition of ``lineside.frames`` during one assignment."""

from collections.abc import Iterable

from stream.agents.agent import Progress
from stream.steps.joiner import Joiner
from stream.steps.offset_holes import OffsetHole, find_hole
from stream.steps.prefix import Prefix
from stream.steps.state_timeline import StateTimeline
from stream.steps.watermark import Watermark
from wire import topics
from wire.ledger import Heartbeat


class FramePartition:
    """Joiner, watermark, prefix and timelines of one partition. ``alive`` ends with the assignment."""

    def __init__(
        self,
        number: int,
        epoch: int,
        *,
        first_offset: int,
        idle_s: float,
        backlog_s: float,
        progress: Progress,
    ) -> None:
        self.number = number
        self.epoch = epoch
        self.first_offset = first_offset
        self.alive = True
        self.joiner = Joiner(backlog_s=backlog_s)
        self.watermark = Watermark(idle_s=idle_s)
        self.heartbeats: dict[int, Heartbeat] = {}
        # A group that never committed begins at the oldest record: offsets before it were dropped unread.
        self._expected = progress.committed(topics.FRAMES, number) or 0
        self._prefix = Prefix()
        self._timelines: dict[tuple[str, str], StateTimeline] = {}
        self._progress = progress

    def track(self, offset: int, *, barrier: bool) -> tuple[bool, OffsetHole | None]:
        """(whether the offset is new, the hole in front of it)."""
        if not self._prefix.add(offset, barrier=barrier):
            return False, None
        hole = find_hole(self._expected, offset)
        self._expected = offset + 1
        return True, hole

    def finish(self, offsets: Iterable[int], *, together: bool = False) -> list[int]:
        """Mark offsets as done and acknowledge the prefix; the heartbeats that are due to be settled now."""
        if not self.alive:
            return []
        self._prefix.finish(offsets, together=together)
        return self.advance()

    def advance(self) -> list[int]:
        """Acknowledge what can be; the heartbeats that are due to be settled now."""
        if not self.alive:
            return []
        done = self._prefix.release()
        if done:
            self._progress.acknowledge(topics.FRAMES, self.number, self.epoch, done)
        return self._prefix.due_barriers()

    def timeline(self, line: str, product: str) -> StateTimeline:
        """The in-band activations of a line and product."""
        return self._timelines.setdefault((line, product), StateTimeline())
