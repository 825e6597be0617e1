"""Addresses of evidence, with the content's hash in them so that browsers may keep it forever."""

from urllib.parse import quote
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from wire.finding import Verdict
from wire.frame import RGB, SENSOR
from wire.inspection import Evidence, EvidenceKind, Inspection


class EvidenceLink(BaseModel):
    """Where one piece of evidence can be fetched."""

    model_config = ConfigDict(frozen=True)

    kind: EvidenceKind
    modality: str = Field(examples=["rgb"])
    coarse: bool = Field(description="Of a mask: what a segmenter was asked to refine")
    content_type: str = Field(examples=["image/png"])
    sha256: str
    size: int = Field(description="Bytes")
    href: str = Field(description="The original bytes; add `as=display` for a picture every browser shows")


def evidence_url(inspection: Inspection, evidence: Evidence, shown_as: str | None = None) -> str:
    """Path and query of one piece of evidence."""
    path = _path(inspection.inspection_id, evidence.modality, evidence.kind)
    coarse = "&coarse=true" if evidence.coarse else ""
    return f"{path}?v={evidence.sha256[:16]}{coarse}" + (f"&as={shown_as}" if shown_as else "")


def evidence_links(inspection: Inspection) -> list[EvidenceLink]:
    """Every piece of evidence of a part."""
    return [
        EvidenceLink(
            kind=it.kind,
            modality=it.modality,
            coarse=it.coarse,
            content_type=it.content_type,
            sha256=it.sha256,
            size=it.size,
            href=evidence_url(inspection, it),
        )
        for it in inspection.evidence
    ]


def find_evidence(
    inspection: Inspection, modality: str, kind: EvidenceKind, *, coarse: bool = False
) -> Evidence | None:
    """The evidence of one modality and kind, None if it was not kept. ``coarse``: the mask that was refined."""
    wanted = (modality, kind, coarse)
    return next((it for it in inspection.evidence if (it.modality, it.kind, it.coarse) == wanted), None)


def thumbnail_url(inspection: Inspection) -> str | None:
    """The small picture that says most: the overlay of the modality that stands out, else the colour image."""
    picture = _telling(inspection)
    return None if picture is None else evidence_url(inspection, picture, "thumbnail")


def reference_thumbnail_url(reference: UUID, modality: str) -> str:
    """The small picture of a part of which no more is known than its inspection."""
    return f"{_path(reference, modality, EvidenceKind.IMAGE)}?as=thumbnail"


def _path(inspection: UUID, modality: str, kind: EvidenceKind) -> str:
    return f"/api/v1/inspections/{inspection}/evidence/{quote(modality, safe='')}/{kind}"


def _telling(inspection: Inspection) -> Evidence | None:
    flagged = {it.modality for it in inspection.modalities if it.verdict is Verdict.DEFECT}
    wanted = EvidenceKind.OVERLAY if inspection.verdict is Verdict.DEFECT else EvidenceKind.IMAGE

    def usefulness(it: Evidence) -> tuple[bool, bool, bool]:
        return it.modality in flagged, it.kind is wanted, it.modality == RGB

    pictures = [
        it
        for it in inspection.evidence
        if it.modality != SENSOR and it.kind in (EvidenceKind.IMAGE, EvidenceKind.OVERLAY)
    ]
    # max keeps the first of equals: modalities keep the order in which the line's specification names them.
    return max(pictures, key=usefulness, default=None)
