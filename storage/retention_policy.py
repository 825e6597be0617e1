"""How long what is kept."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from wire.errors import ConfigurationError
from wire.finding import Verdict


def _default_ages() -> dict[Verdict, timedelta]:
    # Good parts are most of the bytes and the least asked for; a complaint about a defect may come after a year.
    return {Verdict.OK: timedelta(days=30), Verdict.DEFECT: timedelta(days=365), Verdict.UNKNOWN: timedelta(days=90)}


@dataclass(frozen=True, kw_only=True)
class RetentionPolicy:
    """Ages by verdict, counted from capture; verdicts without an age are kept for good.

    ``topic_retention``: how long a message may be under way, over all topics together (a frame waits for inspect, then
    its result for store); ``grace`` on top covers clocks and the job itself. Nothing younger is ever removed, row or
    object: it could come back as a new part, or be put by a worker whose result is still under way. ``ledger_age``:
    sessions silent for so long leave the ledger.
    """

    ages: dict[Verdict, timedelta] = field(default_factory=_default_ages)
    topic_retention: timedelta = timedelta(days=7)
    grace: timedelta = timedelta(days=1)
    ledger_age: timedelta = timedelta(days=365)
    job_age: timedelta = timedelta(days=30)

    def __post_init__(self) -> None:
        named = {f"ages[{verdict}]": age for verdict, age in self.ages.items()}
        named |= {"ledger_age": self.ledger_age, "job_age": self.job_age}
        problems = [
            f"retention: {name} is {age}, shorter than topic retention plus grace ({self.shortest})"
            for name, age in named.items()
            if age < self.shortest
        ]
        if problems:
            raise ConfigurationError(problems)

    @property
    def shortest(self) -> timedelta:
        """Topic retention plus grace."""
        return self.topic_retention + self.grace

    def young_after(self, now: datetime) -> datetime:
        """What was stored or put after this moment stays, whatever its age says."""
        return now - self.shortest
