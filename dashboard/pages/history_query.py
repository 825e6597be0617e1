"""The history page's filters as they stand in its address: every view can be sent to a colleague."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Self
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from storage.history_filter import HistoryFilter
from wire.errors import DecodeError
from wire.finding import Verdict
from wire.timestamps import from_rfc3339, to_rfc3339

PERIODS = {
    "1h": timedelta(hours=1),
    "8h": timedelta(hours=8),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
_DEFAULT = "24h"


@dataclass(frozen=True, kw_only=True)
class HistoryQuery:
    """``since`` and ``until`` (a bar of the timeline) win over ``period``. Unreadable values are left out."""

    line: str = ""
    verdict: str = ""
    defect_type: str = ""
    part_id: str = ""
    min_score: float | None = None
    period: str = _DEFAULT
    since: datetime | None = None
    until: datetime | None = None
    cursor: str = ""

    @classmethod
    def read(cls, params: QueryParams) -> Self:
        """Read the address's parameters."""
        verdict = params.get("verdict", "")
        period = params.get("period", _DEFAULT)
        return cls(
            line=params.get("line", ""),
            verdict=verdict if verdict in list(Verdict) else "",
            defect_type=params.get("defect_type", ""),
            part_id=params.get("part_id", ""),
            min_score=_number(params.get("min_score", "")),
            period=period if period in PERIODS else _DEFAULT,
            since=_moment(params.get("since", "")),
            until=_moment(params.get("until", "")),
            cursor=params.get("cursor", ""),
        )

    def path(self, **changes: object) -> str:
        """The address of this view with some fields changed; a changed filter begins at the first page."""
        view = replace(self, **{"cursor": "", **changes})  # type: ignore[arg-type]
        params = {
            "line": view.line,
            "verdict": view.verdict,
            "defect_type": view.defect_type,
            "part_id": view.part_id,
            "min_score": "" if view.min_score is None else f"{view.min_score:g}",
            "period": "" if view.period == _DEFAULT else view.period,
            "since": to_rfc3339(view.since) if view.since else "",
            "until": to_rfc3339(view.until) if view.until else "",
            "cursor": view.cursor,
        }
        chosen = urlencode({name: value for name, value in params.items() if value})
        return f"/history?{chosen}" if chosen else "/history"

    def span(self, now: datetime) -> tuple[datetime, datetime]:
        """[since, until) of this view; a part id is searched in all of time by ``to_filter``."""
        until = self.until or now.astimezone(UTC)
        return self.since or until - PERIODS[self.period], until

    def to_filter(self, now: datetime) -> HistoryFilter:
        """What storage understands."""
        since, until = self.span(now)
        anywhen = bool(self.part_id) and self.since is None
        return HistoryFilter(
            line=self.line or None,
            verdict=Verdict(self.verdict) if self.verdict else None,
            since=None if anywhen else since,
            until=None if anywhen else until,
            part_id=self.part_id or None,
            defect_type=self.defect_type or None,
            min_score=self.min_score,
        )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _moment(text: str) -> datetime | None:
    try:
        return from_rfc3339(text)
    except DecodeError:
        return None
