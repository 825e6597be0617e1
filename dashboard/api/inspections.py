"""History and single inspections with their evidence."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from dashboard.api.access import reading_router
from dashboard.api.documents import InspectionDocument, InspectionList, InspectionSummary
from dashboard.api.filters import Page
from dashboard.errors import InvalidValue, NotFound
from dashboard.evidence_links import find_evidence
from dashboard.problems import NOT_FOUND
from dashboard.services import Services
from storage.stored_inspection import StoredInspection
from wire.errors import DecodeError
from wire.inspection import EvidenceKind

# A year: the address carries the content's hash, so it never shows anything else.
_FOREVER = "private, max-age=31536000, immutable"
ShownAs = Literal["original", "display", "thumbnail"]


def inspections_router(services: Services) -> APIRouter:
    """Routes below /inspections."""
    router = reading_router(services.gate, "inspections")

    def stored(inspection_id: UUID) -> StoredInspection:
        found = services.history.get(inspection_id)
        if found is None:
            raise NotFound(f"no inspection {inspection_id}", field="inspection_id", value=inspection_id)
        return found

    @router.get("/inspections", summary="History, newest first")
    def page(query: Page) -> InspectionList:
        """Parts by filters, newest first.

        `next_cursor` continues where this page ended, however many parts are added meanwhile; it belongs to the filters
        it came with.
        """
        try:
            found = services.history.page(query.to_filter(), limit=query.limit, cursor=query.cursor)
        except DecodeError as error:
            raise InvalidValue("is no next_cursor of this list", field="cursor", value=query.cursor) from error
        return InspectionList(items=[InspectionSummary.of(item) for item in found.items], next_cursor=found.next_cursor)

    @router.get("/inspections/{inspection_id}", summary="One part with everything known about it", responses=NOT_FOUND)
    def one(inspection_id: UUID) -> InspectionDocument:
        """Result with provenance, report, people's feedback, addresses of the evidence."""
        return InspectionDocument.of(stored(inspection_id))

    @router.get(
        "/inspections/{inspection_id}/evidence/{modality}/{kind}",
        summary="One piece of evidence",
        response_class=Response,
        responses={
            **NOT_FOUND,
            200: {"content": {"image/png": {}, "image/jpeg": {}, "application/octet-stream": {}}},
            304: {"description": "The caller has it already (`If-None-Match`)"},
            406: {"description": "A sensor window is no picture"},
        },
    )
    def evidence(
        inspection_id: UUID,
        modality: str,
        kind: EvidenceKind,
        shown_as: Annotated[
            ShownAs,
            Query(
                alias="as",
                description="`original` bytes; `display`: what any browser shows; `thumbnail`: at most 320 px",
            ),
        ] = "original",
        coarse: Annotated[
            bool, Query(description="Of masks: the one that a segmenter was asked to refine, where there is one")
        ] = False,
        v: Annotated[
            str | None, Query(max_length=64, description="Beginning of the sha256: makes the answer immutable")
        ] = None,
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> Response:
        """Image as the device made it, anomaly map (16-bit PNG, value = count x scale), mask, or overlay."""
        found = stored(inspection_id).inspection
        piece = find_evidence(found, modality, kind, coarse=coarse)
        if piece is None:
            which = f"coarse {kind}" if coarse else kind
            raise NotFound(f"no {which} of modality {modality!r} was kept", field="modality", value=modality)
        etag = f'"{piece.sha256}-{shown_as}"'
        known = v is not None and piece.sha256.startswith(v)
        headers = {
            "ETag": etag,
            "Cache-Control": _FOREVER if known else "private, no-cache",
            "X-Content-Type-Options": "nosniff",
        }
        if if_none_match is not None and etag in if_none_match:
            return Response(status_code=304, headers=headers)
        picture = services.pictures.fetch(found, piece, shown_as)
        # The bytes come from cameras: a browser must never run them as a page.
        return Response(
            picture.data, media_type=picture.content_type, headers=headers | {"Content-Security-Policy": "sandbox"}
        )

    return router
