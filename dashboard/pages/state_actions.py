"""What an engineer can do to a line's state, each behind a question."""

from collections.abc import Callable
from typing import NamedTuple

from nicegui import ui
from pydantic import ValidationError

from dashboard.api.lines import StateDocument
from dashboard.command_requests import CommandRequest, RateRequest, RebuildRequest, RollbackRequest, ThresholdRequest
from dashboard.errors import ApiProblem
from dashboard.gate import need
from dashboard.keys import Principal, Role
from dashboard.pages.wording import product_text
from dashboard.services import Services
from wire.command import CommandKind
from wire.errors import RetryLater
from wire.line_state import LineSpec

# From a reason to what is sent; None: something is not filled in.
Requesting = Callable[[str], CommandRequest | None]


class Question(NamedTuple):
    """What is asked before a command is sent. ``fields``: draws what a person fills in beside the reason."""

    title: str
    explanation: str
    kind: CommandKind
    fields: Callable[[], Requesting]


class StateActions:
    """Buttons for one line. ``asking``: a dialog is open, so the page must not be redrawn under it."""

    def __init__(self, services: Services, principal: Principal, spec: LineSpec) -> None:
        self._desk = services.desk
        self._principal = principal
        self._line = spec.line
        self._allowed = principal.role.covers(Role.ENGINEER)
        self.asking = False

    def rollback(self, state: StateDocument) -> None:
        """Use an earlier version again."""
        self.button(
            "Use this version",
            Question(
                f"Use version {state.version} of {product_text(state.product)} again?",
                "From the next part on this version judges. Nothing is deleted; newer versions stay in the list.",
                CommandKind.ROLLBACK,
                lambda: lambda reason: RollbackRequest(product=state.product, version=state.version, reason=reason),
            ),
        )

    def rebuild(self, product: str, references: int) -> None:
        """Build a new version from the references."""
        self.button(
            "Rebuild",
            Question(
                f"Build a new version of {product_text(product)}?",
                f"It learns from {references} references and is activated once it is built; parts go on meanwhile.",
                CommandKind.BUILD,
                lambda: lambda reason: RebuildRequest(product=product, reason=reason),
            ),
        )

    def rate(self, product: str, present: float) -> None:
        """Change the stated false-alarm rate."""
        self.button(
            "False-alarm rate",
            Question(
                f"Share of good parts of {product_text(product)} that may be flagged",
                "In per cent. The threshold follows from the normals; nothing is rebuilt.",
                CommandKind.SET_RATE,
                lambda: _number(
                    ui.number("Per cent", value=present * 100, min=0.0001, max=99.9),
                    lambda reason, per_cent: RateRequest(
                        product=product, reason=reason, false_alarm_rate=per_cent / 100
                    ),
                ),
            ),
        )

    def threshold(self, product: str, modalities: list[str]) -> None:
        """Set the fused threshold by hand."""
        self.button(
            "Threshold",
            Question(
                f"Threshold of the fused score of {product_text(product)}",
                "In the unit of the raw score; it wins over the quantile of the normals. Thresholds of single "
                f"modalities ({', '.join(modalities)}) are set through the API.",
                CommandKind.SET_THRESHOLD,
                lambda: _number(
                    ui.number("Raw score", min=0, max=1e9),
                    lambda reason, value: ThresholdRequest(
                        product=product, reason=reason, modality="fused", threshold=value
                    ),
                ),
            ),
        )

    def button(self, name: str, question: Question) -> None:
        """What asks before it sends; only an engineer may."""
        button = ui.button(name, color=None, on_click=lambda: self._ask(question))
        button.props("no-caps unelevated").classes("btn").set_enabled(self._allowed)
        if not self._allowed:
            button.tooltip("Needs the role engineer")

    async def _ask(self, question: Question) -> None:
        self.asking = True
        with ui.dialog() as dialog, ui.card().classes("ls"):
            ui.label(question.title).style("font-size:16px;font-weight:600")
            ui.label(question.explanation).classes("soft")
            requesting = question.fields()
            reason = ui.input("Reason").props("outlined dense dark maxlength=500").style("width:100%")
            with ui.element("div").classes("rowx").style("justify-content:flex-end;width:100%"):
                ui.button("Cancel", color=None, on_click=lambda: dialog.submit(False)).props(
                    "no-caps unelevated"
                ).classes("btn")
                ui.button("Send", color=None, on_click=lambda: dialog.submit(True)).props("no-caps unelevated").classes(
                    "btn primary"
                )
        try:
            if await dialog:
                await self._send(question.kind, lambda: requesting(reason.value or ""))
        finally:
            self.asking = False
            dialog.delete()

    async def _send(self, kind: CommandKind, made: Callable[[], CommandRequest | None]) -> None:
        try:
            need(self._principal, Role.ENGINEER)
            request = made()
            if request is None:
                return
            command = await self._desk.send(kind, self._line, self._principal, request)
        except RetryLater:
            ui.notify("Kafka does not take the command at the moment. Nothing was sent; try again.", type="warning")
        except ApiProblem as error:
            ui.notify(error.detail, type="negative")
        except ValidationError as error:
            ui.notify("; ".join(problem["msg"] for problem in error.errors()), type="negative")
        else:
            ui.notify(f"Sent: {command.kind.value.replace('_', ' ')}. The table below shows what becomes of it.")


def _number(field: ui.number, request: Callable[[str, float], CommandRequest]) -> Requesting:
    """A number that has to be filled in."""
    field.props("outlined dense dark").style("width:100%")
    return lambda reason: None if field.value is None else request(reason, float(field.value))
