"""An operator's answer to a part: it is fine, or it is defective."""

import asyncio
from uuid import UUID

from markupsafe import Markup
from nicegui import ui

from dashboard.api.command_documents import CommandDocument
from dashboard.api.commands import find_command
from dashboard.command_requests import PartsRequest
from dashboard.errors import ApiProblem
from dashboard.gate import need
from dashboard.keys import Principal, Role
from dashboard.services import Services
from wire.command import CommandKind
from wire.errors import RetryLater
from wire.inspection import Inspection

_LOOK_EVERY_S = 1.0
_WORDS = {CommandKind.ACCEPT: "This part is fine", CommandKind.REJECT: "This part is defective"}


def answer_bar(services: Services, principal: Principal, inspection: Inspection) -> None:
    """Two buttons and a reason; what becomes of the answer is shown below them."""
    allowed = principal.role.covers(Role.OPERATOR)
    with ui.element("div").classes("card stack"):
        ui.html("<h3>Your answer</h3>", sanitize=False)
        reason = ui.input(placeholder="Reason (optional)").props(
            'outlined dense dark maxlength=500 aria-label="Reason"'
        )
        with ui.element("div").classes("rowx"):
            fine = ui.button("It is fine", color=None).props("no-caps unelevated").classes("btn good tall")
            bad = ui.button("It is defective", color=None).props("no-caps unelevated").classes("btn bad tall")
        outcome = ui.html("", sanitize=False).classes("soft").props('role="status" data-outcome')
    if not allowed:
        outcome.set_content(f"Your role is {principal.role}; answers need the role operator.")
    sent: list[UUID] = []

    async def send(kind: CommandKind) -> None:
        for button in (fine, bad):
            button.disable()
        try:
            need(principal, Role.OPERATOR)
            command = await services.desk.send(
                kind,
                inspection.line,
                principal,
                PartsRequest(
                    product=inspection.product, reason=reason.value or "", inspections=(inspection.inspection_id,)
                ),
            )
        except RetryLater:
            outcome.set_content("Kafka does not take the answer at the moment. Nothing was sent; try again.")
        except ApiProblem as error:
            outcome.set_content(str(Markup.escape(error.detail)))
        else:
            sent[:] = [command.command_id]
            outcome.set_content(_said(CommandDocument.of_sent(command)))
        for button in (fine, bad):
            button.enable()

    async def look() -> None:
        if not sent:
            return
        try:
            document = await asyncio.to_thread(find_command, services, sent[0])
        except RetryLater:
            return  # the banner at the top says so already
        if document is not None:
            outcome.set_content(_said(document))

    fine.on_click(lambda: send(CommandKind.ACCEPT))
    bad.on_click(lambda: send(CommandKind.REJECT))
    for button in (fine, bad):
        button.set_enabled(allowed)
    ui.timer(_LOOK_EVERY_S, look)


def _said(document: CommandDocument) -> str:
    what = _WORDS[document.kind]
    became = (
        "sent, waiting for the builder"
        if document.status == "sent"
        else f"{document.status} {document.message}".strip()
    )
    return str(
        Markup('<b>{}</b>: {} · {} <ls-time iso="{}"></ls-time>').format(
            what, became, document.by, document.requested_at.isoformat()
        )
    )
