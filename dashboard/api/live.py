"""New parts as they are stored, as Server-Sent Events."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent

from dashboard.api.access import reading_router
from dashboard.api.documents import InspectionSummary
from dashboard.services import Services

# How long a stream waits before it looks whether its reader is still there.
_LOOK_EVERY_S = 2.0
_RETRY_MS = 1000


def live_router(services: Services) -> APIRouter:
    """The route /live."""
    router = reading_router(services.gate, "live")
    feed = services.feed

    @router.get("/live", response_class=EventSourceResponse, summary="New parts as they are stored (SSE)")
    async def live(
        line: Annotated[str | None, Query(max_length=120, description="This line alone")] = None,
        last_event_id: Annotated[
            int | None, Header(ge=0, description="Continue after this event; browsers send it themselves")
        ] = None,
    ) -> AsyncIterator[ServerSentEvent]:
        """One event `inspection` per part, at least once, in the order of storing.

        Its id continues the stream after a lost connection. A part comes again when more of its modalities were judged.
        """
        place = feed.last_seen if last_event_id is None else last_event_id
        with services.metrics.streams.track_inprogress():
            yield ServerSentEvent(comment="lineside", retry=_RETRY_MS)
            while not feed.closed:
                feed.look()
                for stored in await feed.after(place, _LOOK_EVERY_S):
                    place = stored.stored_seq
                    if line is None or stored.inspection.line == line:
                        yield ServerSentEvent(data=InspectionSummary.of(stored), event="inspection", id=str(place))

    return router
