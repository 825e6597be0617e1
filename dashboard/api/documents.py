"""JSON documents of the API. ``result`` and ``report`` are exactly the messages on Kafka (names of OPC 40100-1)."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from dashboard.evidence_links import EvidenceLink, evidence_links, thumbnail_url
from storage.stored_inspection import FeedbackLabel, StoredInspection
from wire.finding import Mode, Verdict
from wire.inspection import Inspection, Report, ResultState

_ID = "7d1f6d3e-1c0b-5d43-9a53-0b8f3a5d7f10"


class Document(BaseModel):
    """Base of everything the API answers; ``model_validate`` takes an object that has the same fields, too."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class InspectionSummary(Document):
    """One part in a list."""

    inspection_id: UUID = Field(examples=[_ID])
    line: str = Field(examples=["demo.hall1.line1"])
    product: str = Field(examples=["tile-a"])
    part_id: str = Field(examples=["P-000123"])
    captured_at: datetime = Field(description="The trigger's time, UTC")
    stored_at: datetime = Field(description="When the row was committed, UTC")
    verdict: Verdict
    result_state: ResultState
    score: float | None = Field(description="Raw fused score; null if nothing could be judged", examples=[4.31])
    threshold: float | None = Field(description="In the same unit as score", examples=[2.9])
    mode: Mode
    is_partial: bool = Field(description="Judged although an expected modality was missing")
    state_version: int | None = Field(
        description="Version of the line's state that judged; null before the first", examples=[3]
    )
    defect_types: list[str] = Field(examples=[["scratch"]])
    regions: int = Field(description="Number of regions", examples=[2])
    thumbnail: str | None = Field(description="Path of a small picture, null if none was kept")

    @classmethod
    def of(cls, stored: StoredInspection) -> Self:
        """Summarise one stored inspection."""
        it = stored.inspection
        return cls(
            inspection_id=it.inspection_id,
            line=it.line,
            product=it.product,
            part_id=it.part_id,
            captured_at=it.captured_at,
            stored_at=stored.stored_at,
            verdict=it.verdict,
            result_state=it.result_state,
            score=it.score,
            threshold=it.threshold,
            mode=it.mode,
            is_partial=it.is_partial,
            state_version=it.provenance.state_version,
            defect_types=defect_types(it),
            regions=len(it.regions),
            thumbnail=thumbnail_url(it),
        )


class InspectionList(Document):
    """One page of the history, newest first."""

    items: list[InspectionSummary]
    next_cursor: str | None = Field(description="Pass it as `cursor` for the next, older page; null at the end")


class FeedbackDocument(Document):
    """What a person answered about a part."""

    label: FeedbackLabel
    by: str = Field(examples=["anna"])
    given_at: datetime
    reason: str = Field(examples=["water drop, not a crack"])


class InspectionDocument(Document):
    """One part with everything that is known about it."""

    inspection_id: UUID
    stored_at: datetime
    result: Inspection = Field(description="The message org.lineside.inspection.result.v1")
    report: Report | None = Field(
        description="The message org.lineside.inspection.report.v1, null while none was written"
    )
    feedback: list[FeedbackDocument]
    evidence: list[EvidenceLink]

    @classmethod
    def of(cls, stored: StoredInspection) -> Self:
        """Show one stored inspection."""
        return cls(
            inspection_id=stored.inspection.inspection_id,
            stored_at=stored.stored_at,
            result=stored.inspection,
            report=stored.report,
            feedback=[FeedbackDocument.model_validate(answer) for answer in stored.feedback],
            evidence=evidence_links(stored.inspection),
        )


def defect_types(inspection: Inspection) -> list[str]:
    """Types of the regions, each once, in order of appearance."""
    return list(dict.fromkeys(region.type for region in inspection.regions))
