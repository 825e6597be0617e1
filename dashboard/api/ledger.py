"""The ledger: what became of every frame."""

from fastapi import APIRouter
from pydantic import Field

from dashboard.api.access import reading_router
from dashboard.api.documents import Document
from dashboard.services import Services


class LedgerCounts(Document):
    """Distinct frames, counted."""

    captured: int = Field(examples=[1204])
    published: int = Field(description="Acknowledged by Kafka", examples=[1202])
    spooled: int = Field(description="On the connector's disk, waiting for Kafka", examples=[2])
    in_flight: int = Field(examples=[0])
    dropped: dict[str, int] = Field(description="Let go by the source, by reason")
    used: int = Field(description="Part of an inspection", examples=[1198])
    quarantined: dict[str, int] = Field(description="In the dead letter queue, by reason", examples=[{"truncated": 1}])
    late: int = Field(description="Came after their part was judged", examples=[1])
    waiting: int = Field(description="Published, not yet decided", examples=[2])
    lost_in_broker: int = Field(description="Gone from Kafka before anybody read them", examples=[0])
    unaccounted: int = Field(description="Published, passed, and without any outcome: must be 0", examples=[0])
    unbalanced: int = Field(description="Captured and in no other count, or the reverse: must be 0", examples=[0])
    gap: int = Field(description="Sequence numbers that were never captured", examples=[0])
    redelivered: int = Field(description="Deliveries beyond an event's first; in no sum", examples=[0])
    unreadable: dict[str, int] = Field(description="Messages whose origin could not be read, by reason; in no sum")


class SpoolDocument(Document):
    """What lies in the spool that a connector's sources share."""

    size_bytes: int = Field(examples=[8_400_000])
    limit_bytes: int = Field(examples=[1_073_741_824])
    oldest_s: float = Field(description="How long its oldest event has waited", examples=[41.5])


class SourceLedgerDocument(LedgerCounts):
    """One source."""

    source: str = Field(examples=["demo.hall1.line1/camera1"])
    spool: SpoolDocument | None = Field(description="As its connector said last; null where no live session says")
    sequences: dict[str, dict[str, str]] = Field(
        description="Sequence numbers of what is wrong or on its way, by kind and session, as `0-41,43`"
    )


class LineLedgerDocument(Document):
    """One line."""

    line: str
    totals: LedgerCounts
    sources: list[SourceLedgerDocument]


class LedgerDocument(Document):
    """Every line."""

    totals: LedgerCounts
    lines: list[LineLedgerDocument]


def ledger_router(services: Services) -> APIRouter:
    """The route /ledger."""
    router = reading_router(services.gate, "ledger")

    @router.get("/ledger", summary="What became of every frame")
    def ledger() -> LedgerDocument:
        """Sums per line and source, over distinct events.

        captured = published + spooled + in flight + dropped; published = used + quarantined + late + waiting + lost in
        the broker + unaccounted.
        """
        return LedgerDocument.model_validate(services.ledger.read().as_dict())

    return router
