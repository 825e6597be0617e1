"""The desk of the review page: the parts that wait, the one being looked at, the buttons, the last answers."""

import time
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

from markupsafe import Markup
from nicegui import ui
from nicegui.events import KeyEventArguments

from dashboard.errors import ApiProblem
from dashboard.evidence_links import thumbnail_url
from dashboard.keys import Principal, Role
from dashboard.pages.answers import answer_text, refusal_text, send_answer
from dashboard.pages.components.part_viewer import PartViewer
from dashboard.pages.part_cards import moment, scores_card, verdict_card
from dashboard.pages.part_views import regions_of, views_of
from dashboard.pages.review_list import ReviewList
from dashboard.pages.wording import level, product_text, types_text, verdict_word
from dashboard.services import Services
from storage.stored_inspection import StoredInspection
from wire.command import CommandKind
from wire.errors import BrokerUnavailable, DatabaseUnavailable
from wire.finding import Verdict

# Nobody judges a picture within 0.3 s; a key that bounces or is hit twice must not answer the next part unseen.
_LOOK_S = 0.3
_ANSWERS_SHOWN = 5


class ReviewDesk:
    """Draws itself where it is made. ``verdict``: what the parts were called; good ones can only be called missed."""

    def __init__(self, services: Services, principal: Principal, verdict: Verdict) -> None:
        self._services = services
        self._principal = principal
        self._verdict = verdict
        self._list = ReviewList()
        self._answered: Callable[[], Awaitable[None]] | None = None
        self._seen_s = 0.0
        self._sending = False
        self._shown: tuple[UUID, int, bool] | None = None
        self._strip = ui.element("div").classes("tiles queue")
        with ui.element("div").classes("part") as self._body:
            self._picture = ui.element("div").classes("stack")
            with ui.element("div").classes("stack").style("gap: 14px"):
                self._side = ui.element("div").classes("card stack")
                self._answer_card()
                self._more = ui.element("div").classes("stack").style("gap: 14px")
        # Keys go on after a click on a button; in the reason's field they are text.
        ui.keyboard(self._on_key, repeating=False, ignore=["input", "select", "textarea"])

    @property
    def items(self) -> Sequence[StoredInspection]:
        """The parts that wait, as shown."""
        return self._list.items

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to look at."""
        return self._list.chosen is None

    def on_answered(self, call: Callable[[], Awaitable[None]]) -> None:
        """Call this after each answer that was sent."""
        self._answered = call

    def show(self, items: Sequence[StoredInspection]) -> None:
        """Take over what waits now."""
        self._list.show(items)
        self._draw()

    async def refresh(self) -> None:
        """Say what became of the last answers."""
        said: list[Markup] = []
        for command in self._services.desk.sent_by(self._principal):
            if command.kind in (CommandKind.ACCEPT, CommandKind.REJECT) and len(said) < _ANSWERS_SHOWN:
                try:
                    text = await answer_text(self._services, command.command_id)
                except DatabaseUnavailable:
                    return
                said.append(Markup('<div><a href="/part/{}">{}</a></div>').format(command.inspections[0], text))
        content = Markup("<h3>Your last answers</h3>{}").format(Markup("").join(said)) if said else Markup("")
        self._last.set_content(str(content))

    def _answer_card(self) -> None:
        with ui.element("div").classes("card stack"):
            self._reason = ui.input(placeholder="Reason (optional)").props(
                'outlined dense dark maxlength=500 aria-label="Reason"'
            )
            with ui.element("div").classes("rowx"):
                self._buttons = [self._button(*words) for words in self._offers()]
            if not self._allowed:
                ui.label(f"Your role is {self._principal.role}; answers need the role operator.").classes("soft")
            self._last = ui.html("", sanitize=False).classes("soft stack").props('role="status" data-outcome')

    def _offers(self) -> list[tuple[CommandKind, str, str]]:
        if self._verdict is Verdict.DEFECT:
            return [
                (CommandKind.ACCEPT, "It is fine", "good"),
                (CommandKind.REJECT, "It is a defect", "bad"),
            ]
        return [(CommandKind.REJECT, "You missed one", "bad")]

    def _button(self, kind: CommandKind, name: str, tone: str) -> ui.button:
        button = ui.button(name, color=None, on_click=lambda: self._answer(kind))
        return button.props("no-caps unelevated").classes(f"btn {tone} tall")

    @property
    def _allowed(self) -> bool:
        return self._principal.role.covers(Role.OPERATOR)

    async def _on_key(self, event: KeyEventArguments) -> None:
        if not event.action.keydown or event.modifiers.ctrl or event.modifiers.alt or event.modifiers.meta:
            return
        if event.key.arrow_left or event.key.arrow_right:
            self._list.step(1 if event.key.arrow_right else -1)
            self._draw()
        kinds = {"a": CommandKind.ACCEPT, "d": CommandKind.REJECT}
        kind = kinds.get(str(event.key).lower())
        if kind in [offered for offered, *_ in self._offers()] and kind is not None:
            await self._answer(kind)

    async def _answer(self, kind: CommandKind) -> None:
        chosen = self._list.chosen
        if chosen is None or self._sending or not self._may_answer():
            return
        self._sending = True
        try:
            await send_answer(self._services, self._principal, kind, chosen.inspection, self._reason.value or "")
        except (BrokerUnavailable, ApiProblem) as error:
            ui.notify(refusal_text(error), type="warning")
            return
        finally:
            self._sending = False
        self._reason.value = ""
        if self._list.chosen is chosen:
            self._list.leave()
        self._draw()
        if self._answered is not None:
            await self._answered()

    def _may_answer(self) -> bool:
        return self._allowed and time.monotonic() - self._seen_s >= _LOOK_S

    def _draw(self) -> None:
        chosen = self._list.chosen
        self._body.set_visibility(chosen is not None)
        self._draw_strip()
        here = None if chosen is None else (chosen.inspection.inspection_id, chosen.stored_seq, chosen.report is None)
        if here == self._shown:
            return
        self._shown = here
        for place in (self._picture, self._side, self._more):
            place.clear()
        if chosen is not None:
            self._draw_part(chosen)

    def _draw_part(self, stored: StoredInspection) -> None:
        it = stored.inspection
        with self._picture:
            PartViewer(views_of(it), regions_of(it, stored.report))
        with self._side:
            ui.html(str(_heading(stored)), sanitize=False).props(f'data-looking-at="{it.part_id}"')
            ui.html(str(verdict_card(stored)), sanitize=False)
        with self._more:
            ui.html(str(scores_card(it)), sanitize=False).classes("card stack")
        self._seen_s = time.monotonic()
        for button in self._buttons:
            button.disable()
        if self._allowed:
            with self._side:
                ui.timer(_LOOK_S, lambda: [button.enable() for button in self._buttons], once=True)

    def _draw_strip(self) -> None:
        self._strip.clear()
        with self._strip:
            for stored in self._list.items:
                identifier = stored.inspection.inspection_id
                here = self._list.chosen is stored
                tile = ui.element("button").classes(f"tile {stored.inspection.verdict}{' here' if here else ''}")
                with tile.props(f'data-waits="{stored.inspection.part_id}" aria-pressed={str(here).lower()}'):
                    ui.html(str(_tile(stored)), sanitize=False)
                tile.on("click", lambda chosen=identifier: self._choose(chosen))

    def _choose(self, inspection_id: UUID) -> None:
        self._list.choose(inspection_id)
        self._draw()


def _heading(stored: StoredInspection) -> Markup:
    it = stored.inspection
    return Markup(
        '<div class="rowx" style="justify-content:space-between"><h1><a href="/part/{}">{}</a></h1>'
        '<span class="muted">{}</span></div><div class="soft">{} · {}</div>'
    ).format(it.inspection_id, it.part_id, moment(it.captured_at.isoformat()), it.line, product_text(it.product))


def _tile(stored: StoredInspection) -> Markup:
    it = stored.inspection
    picture = thumbnail_url(it)
    shot = (
        Markup('<img src="{}" alt="" decoding="async">').format(picture) if picture else Markup("<span>no image</span>")
    )
    return Markup(
        '<div class="shot">{}</div><div class="meter {}"><i style="width:{:.0f}%"></i><u></u></div>'
        '<div class="say"><b>{}</b><div><span>{}</span>{}</div></div>'
    ).format(
        shot,
        it.verdict,
        level(it.score, it.threshold) * 100,
        it.part_id,
        types_text(it) or verdict_word(it),
        moment(it.captured_at.isoformat(), day=False),
    )
