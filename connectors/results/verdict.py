"""One verdict on its way to a PLC, and what may still be done with it. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self
from uuid import UUID

from connectors.results.settings import ResultLine
from wire.inspection import Inspection


class Outcome(StrEnum):
    """What became of a verdict; the closed set of a metric's label."""

    ACKNOWLEDGED = "acknowledged"  # the PLC echoed it
    WRITTEN = "written"  # written; no acknowledgement is configured
    UNACKNOWLEDGED = "unacknowledged"  # written, and no echo came in time
    REFUSED = "refused"  # the server took no write: nothing was written
    UNCERTAIN = (
        "uncertain"  # link or process broke during the write, and the counter does not tell; never written again
    )
    EXPIRED = "expired"  # too old before it could be written
    REPEATED = "repeated"  # this version, or a more complete one, was written before: delivered twice by Kafka


# Those that leave the PLC without an answer it knows to be there.
MISSED = frozenset({Outcome.UNACKNOWLEDGED, Outcome.REFUSED, Outcome.UNCERTAIN, Outcome.EXPIRED})


@dataclass(frozen=True, kw_only=True)
class VerdictVersion:
    """Names what is written at most once: a result replaces another of its part only with more modalities judged."""

    result_id: UUID
    modalities: int

    @classmethod
    def of(cls, inspection: Inspection) -> Self:
        """The version that a result is."""
        return cls(result_id=inspection.inspection_id, modalities=inspection.complete_modalities)


def age_s(inspection: Inspection, now: datetime) -> float:
    """Seconds since the part's trigger, by the clock that stamped it against the host's."""
    return (now - inspection.captured_at).total_seconds()


def is_late(inspection: Inspection, line: ResultLine, now: datetime) -> bool:
    """Whether the line's deadline has passed."""
    return age_s(inspection, now) > line.deadline_s


def is_expired(inspection: Inspection, line: ResultLine, now: datetime) -> bool:
    """Whether writing it would only hold up newer verdicts."""
    return age_s(inspection, now) > line.expire_s
