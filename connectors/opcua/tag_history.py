"""What one tag was worth when, by the PLC's clock."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Final

# A moment of the PLC: the life of its clock (``plc_clock``), and the time by it.
Moment = tuple[int, datetime]
_START: Final[Moment] = (0, datetime.min.replace(tzinfo=UTC))
_END: Final[Moment] = (10**9, datetime.max.replace(tzinfo=UTC))
_MOMENT = attrgetter("life", "at")
# OPC UA severity: the two highest bits of a status code; 2 and 3 = Bad (Part 4, 7.39).
_SEVERITY_SHIFT: Final = 30
# InfoType DataValue with the bit Overflow (Part 4, 7.39.1).
_OVERFLOW: Final = 0x0480


@dataclass(frozen=True, slots=True)
class Sample:
    """A value with the time at which its source had it, and its OPC UA status code."""

    at: datetime
    value: Any = field(compare=False)
    status: int = field(default=0, compare=False)
    server_at: datetime | None = field(default=None, compare=False)
    life: int = 0  # of the PLC's clock

    @property
    def moment(self) -> Moment:
        """When it was stamped."""
        return (self.life, self.at)

    @property
    def follows_loss(self) -> bool:
        """Whether the server's queue was full before this sample, so that older ones are gone."""
        return self.status & _OVERFLOW == _OVERFLOW

    @property
    def is_usable(self) -> bool:
        """Whether the status is Good or Uncertain and there is a value."""
        return self.status >> _SEVERITY_SHIFT < 2 and self.value is not None


class TagHistory:
    """Samples of one tag in order of source time, as far back as needed, and where some may be missing.

    Where the PLC's clock was set, the order is that of its lives: what held before holds on, and the two sides of it
    are no interval of known length.
    """

    def __init__(self) -> None:
        self._samples: list[Sample] = []
        self._gaps: list[tuple[Moment, Moment]] = []
        self._resumes = True  # the next sample ends a gap

    @property
    def latest(self) -> Sample | None:
        """The newest sample by source time."""
        return self._samples[-1] if self._samples else None

    def add(self, sample: Sample) -> None:
        """Put a sample in its place; one that is there already (republished) is kept once."""
        latest = self.latest
        if self._resumes or sample.follows_loss or (latest is not None and sample.life > latest.life):
            self._resumes = False
            since = latest.moment if latest is not None else _START
            if sample.moment > since:
                self._gaps.append((since, sample.moment))
        if latest is None or sample.moment > latest.moment:
            self._samples.append(sample)
            return
        at = bisect_left(self._samples, sample.moment, key=_MOMENT)
        same_time = self._samples[at : bisect_right(self._samples, sample.moment, key=_MOMENT)]
        if not any(one.value == sample.value and one.status == sample.status for one in same_time):
            insort(self._samples, sample, key=_MOMENT)

    def mark_gap(self) -> None:
        """Between the newest sample and the next one, others may have been lost."""
        self._resumes = True

    def valid_at(self, moment: Moment) -> Sample | None:
        """The sample that held at ``moment``: the newest one not later."""
        at = bisect_right(self._samples, moment, key=_MOMENT)
        return self._samples[at - 1] if at else None

    def between(self, start: Moment, end: Moment) -> Sequence[Sample]:
        """Samples in [start, end]."""
        first = bisect_left(self._samples, start, key=_MOMENT)
        return self._samples[first : bisect_right(self._samples, end, key=_MOMENT)]

    def has_gap(self, start: Moment, end: Moment) -> bool:
        """Whether samples in [start, end] may be missing."""
        gaps = list(self._gaps)
        if self._resumes:
            gaps.append((self.latest.moment if self.latest is not None else _START, _END))
        return any(since < end and until > start for since, until in gaps)

    def forget_before(self, moment: Moment) -> None:
        """Let go of what nobody will ask for; the sample that held at ``moment`` stays."""
        keep = bisect_right(self._samples, moment, key=_MOMENT) - 1
        if keep > 0:
            del self._samples[:keep]
        self._gaps = [gap for gap in self._gaps if gap[1] > moment]
