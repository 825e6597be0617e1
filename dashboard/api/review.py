"""The review queue over REST."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from dashboard.api.access import reading_router
from dashboard.api.documents import InspectionList, InspectionSummary
from dashboard.api.filters import LIMIT_MAX
from dashboard.errors import InvalidValue
from dashboard.review_queue import COUNTED
from dashboard.services import Services
from wire.errors import DecodeError


class ReviewList(InspectionList):
    """One page of the queue, newest first."""

    waiting: int = Field(description=f"How many parts wait in all; {COUNTED} means that many or more", examples=[7])


def review_router(services: Services) -> APIRouter:
    """Route /review."""
    router = reading_router(services.gate, "review")

    @router.get("/review", summary="Flagged parts that nobody has answered")
    def queue(
        line: Annotated[str | None, Query(max_length=120, description="This line alone")] = None,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX, description="Items per page")] = 50,
        cursor: Annotated[str | None, Query(max_length=300, description="`next_cursor` of the page before")] = None,
    ) -> ReviewList:
        """Answer with `/lines/{line}/accept` (it is fine) or `/lines/{line}/reject` (it is a defect).

        An answered part leaves the queue at once, and comes back if the builder could not use the answer. Good parts
        that hide a missed defect are answered by `/lines/{line}/reject`, too.
        """
        try:
            page = services.review.page(line, limit=limit, cursor=cursor)
        except DecodeError as error:
            raise InvalidValue("is no next_cursor of this list", field="cursor", value=cursor) from error
        return ReviewList(
            items=[InspectionSummary.of(item) for item in page.items],
            next_cursor=page.next_cursor,
            waiting=services.review.waiting(line),
        )

    return router
