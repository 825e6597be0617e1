"""The card in which an operator answers a part: it is fine, or it is defective."""

from uuid import UUID

from markupsafe import Markup
from nicegui import ui

from dashboard.api.command_documents import CommandDocument
from dashboard.errors import ApiProblem
from dashboard.keys import Principal, Role
from dashboard.pages.answers import answer_text, refusal_text, said, send_answer
from dashboard.services import Services
from wire.command import CommandKind
from wire.errors import BrokerUnavailable, DatabaseUnavailable
from wire.finding import Verdict
from wire.inspection import Inspection

_LOOK_EVERY_S = 1.0


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
            defective = "You missed one" if inspection.verdict is Verdict.OK else "It is defective"
            bad = ui.button(defective, color=None).props("no-caps unelevated").classes("btn bad tall")
        outcome = ui.html("", sanitize=False).classes("soft").props('role="status" data-outcome')
    if not allowed:
        outcome.set_content(f"Your role is {principal.role}; answers need the role operator.")
    sent: list[UUID] = []

    async def send(kind: CommandKind) -> None:
        for button in (fine, bad):
            button.disable()
        try:
            command = await send_answer(services, principal, kind, inspection, reason.value or "")
        except (BrokerUnavailable, ApiProblem) as error:
            outcome.set_content(str(Markup.escape(refusal_text(error))))
        else:
            sent[:] = [command.command_id]
            outcome.set_content(str(said(CommandDocument.of_sent(command))))
        for button in (fine, bad):
            button.enable()

    async def look() -> None:
        if not sent:
            return
        try:
            text = await answer_text(services, sent[0])
        except DatabaseUnavailable:
            return  # the banner at the top says so already
        if text is not None:
            outcome.set_content(str(text))

    fine.on_click(lambda: send(CommandKind.ACCEPT))
    bad.on_click(lambda: send(CommandKind.REJECT))
    for button in (fine, bad):
        button.set_enabled(allowed)
    ui.timer(_LOOK_EVERY_S, look)
