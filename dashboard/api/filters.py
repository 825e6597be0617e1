"""Query parameters that choose inspections, shared by history, statistics and Pareto."""

from datetime import datetime
from typing import Annotated

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from dashboard.errors import InvalidValue
from storage.history_filter import HistoryFilter
from wire.finding import Mode, Verdict

# A page of 500 summaries is about 250 kB: enough for a script, small enough for a phone.
LIMIT_MAX = 500


class InspectionQuery(BaseModel):
    """Filters of the history; all given ones must match. Unknown parameters are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    line: str | None = Field(default=None, max_length=120, description="Line id", examples=["demo.hall1.line1"])
    product: str | None = Field(default=None, max_length=200, description="Product as the PLC names it")
    verdict: Verdict | None = Field(default=None, description="ok, defect or unknown")
    since: AwareDatetime | None = Field(
        default=None, description="Captured at or after (RFC 3339 with zone)", examples=["2026-01-31T06:00:00Z"]
    )
    until: AwareDatetime | None = Field(default=None, description="Captured before (RFC 3339 with zone)")
    part_id: str | None = Field(default=None, max_length=200, description="Exactly this part id")
    defect_type: str | None = Field(default=None, max_length=200, description="At least one region of this type")
    min_score: float | None = Field(default=None, allow_inf_nan=False, description="Raw fused score at least this")
    mode: Mode | None = Field(default=None, description="memory, or zero_shot (before the first memory bank)")
    answered: bool | None = Field(default=None, description="Whether a person has answered the part")

    def to_filter(self) -> HistoryFilter:
        """What storage understands; InvalidValue if the span is empty."""
        check_span(self.since, self.until)
        return HistoryFilter(**{name: getattr(self, name) for name in InspectionQuery.model_fields})


class PageQuery(InspectionQuery):
    """Filters plus paging."""

    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX, description="Items per page")] = 50
    cursor: str | None = Field(default=None, max_length=300, description="`next_cursor` of the page before")


def check_span(since: datetime | None, until: datetime | None) -> None:
    """InvalidValue unless since lies before until."""
    if since is not None and until is not None and since >= until:
        raise InvalidValue(f"until must be after since ({since.isoformat()})", field="until", value=until.isoformat())


Filters = Annotated[InspectionQuery, Query()]
Page = Annotated[PageQuery, Query()]
