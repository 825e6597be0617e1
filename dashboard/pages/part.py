"""One part: picture, regions, facts, report, scores, provenance, and the operator's answer."""

import asyncio
from uuid import UUID

from markupsafe import Markup
from nicegui import ui

from dashboard.api.documents import FeedbackDocument
from dashboard.evidence_links import find_evidence
from dashboard.keys import Principal
from dashboard.pages.answer_bar import answer_bar
from dashboard.pages.components.part_viewer import PartViewer
from dashboard.pages.empty_state import empty_state
from dashboard.pages.part_cards import feedback_card, plant_card, provenance_card, scores_card, verdict_card
from dashboard.pages.part_views import regions_of, views_of
from dashboard.pages.sensor_plot import sensor_plots
from dashboard.services import Services
from storage.stored_inspection import StoredInspection
from wire.errors import DecodeError, ObjectStoreUnavailable
from wire.frame import SENSOR
from wire.inspection import EvidenceKind, Inspection
from wire.sensor_window import SensorWindow


async def part_page(services: Services, principal: Principal, inspection_id: str) -> None:
    """Build the page of one part."""
    page = ui.element("main").classes("ls ls-page")
    try:
        stored = await asyncio.to_thread(services.history.get, UUID(inspection_id))
    except ValueError:
        stored = None
    with page:
        if stored is None:
            empty_state("This part is not in the history", "It was never inspected here, or its retention is over.")
            return
        plots = await asyncio.to_thread(_plots, services, stored.inspection)
        _heading(stored.inspection)
        with ui.element("div").classes("part"):
            with ui.element("div").classes("stack").style("gap: 14px"):
                PartViewer(views_of(stored.inspection), regions_of(stored.inspection, stored.report))
                if plots:
                    _card(Markup("<h3>Sensors around the trigger</h3>") + plots)
            with ui.element("div").classes("stack").style("gap: 14px"):
                _side(services, principal, stored)


def _heading(inspection: Inspection) -> None:
    ui.html(
        str(
            Markup(
                '<div class="rowx"><h1>{}</h1><a class="soft" href="/history?line={}">{}</a>'
                '<span class="muted">{}</span></div>'
            ).format(
                inspection.part_id,
                inspection.line,
                inspection.line,
                Markup('<ls-time day iso="{}"></ls-time>').format(inspection.captured_at.isoformat()),
            )
        ),
        sanitize=False,
    )


def _side(services: Services, principal: Principal, stored: StoredInspection) -> None:
    _card(verdict_card(stored))
    feedback = [FeedbackDocument.model_validate(entry) for entry in stored.feedback]
    answer_bar(services, principal, stored.inspection)
    if feedback:
        _card(Markup("<h3>Answers so far</h3>") + feedback_card(feedback))
    _card(scores_card(stored.inspection))
    _card(plant_card(stored))
    _card(provenance_card(stored.inspection))


def _card(content: Markup) -> None:
    ui.html(str(content), sanitize=False).classes("card stack")


def _plots(services: Services, inspection: Inspection) -> Markup:
    """The sensor window's plots, empty if there is none or it cannot be read now."""
    piece = find_evidence(inspection, SENSOR, EvidenceKind.IMAGE)
    if piece is None:
        return Markup("")
    try:
        return sensor_plots(SensorWindow.from_json(services.payloads.get(piece.ref)))
    except (DecodeError, ObjectStoreUnavailable) as error:
        return Markup('<p class="tag warn">The sensor window cannot be shown: {}</p>').format(error)
