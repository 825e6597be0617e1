"""States: versions of what a line knows, activations, references, commands."""

import asyncio
from typing import NamedTuple

from markupsafe import Markup
from nicegui import PageArguments, ui

from dashboard.api.command_documents import CommandDocument
from dashboard.api.commands import commands_of
from dashboard.api.lines import ActivationDocument, StateDocument, activations_of, states_of
from dashboard.keys import Principal
from dashboard.pages.empty_state import empty_state
from dashboard.pages.line_words import line_words
from dashboard.pages.part_cards import moment
from dashboard.pages.state_actions import StateActions
from dashboard.pages.wording import product_text
from dashboard.services import Services
from storage.references import Reference
from wire.line_state import LineSpec

# Commands take seconds; a table that follows within two is quick enough.
_REFRESH_S = 2.0
_REFERENCES_SHOWN = 24


class _Known(NamedTuple):
    spec: LineSpec
    states: list[StateDocument]
    activations: list[ActivationDocument]
    commands: list[CommandDocument]
    references: dict[str, list[Reference]]


async def states_page(services: Services, principal: Principal, arguments: PageArguments) -> None:
    """Build the page of one line; it follows what the builder does."""
    page = ui.element("main").classes("ls ls-page")
    lines = await asyncio.to_thread(lambda: sorted(services.lines.all(), key=lambda spec: spec.line))
    wanted = arguments.query_parameters.get("line", "")
    spec = next((spec for spec in lines if spec.line == wanted), lines[0] if lines else None)
    with page:
        if spec is None:
            empty_state("No line yet", "A line appears as soon as the first part of it is inspected.", "lineside up")
            return
        _tabs(lines, spec)
        body = ui.element("div").classes("stack").style("gap: 14px")
    actions = StateActions(services, principal, spec)
    shown: list[_Known] = []

    async def refresh() -> None:
        known = await asyncio.to_thread(_read, services, spec)
        if shown == [known] or actions.asking:
            return
        shown[:] = [known]
        body.clear()
        with body:
            _draw(known, actions)

    await refresh()
    with page:
        ui.timer(_REFRESH_S, refresh)


def _read(services: Services, spec: LineSpec) -> _Known:
    states = states_of(services, spec.line, None)
    products = sorted({state.product for state in states}) or [""]
    return _Known(
        spec=services.lines.get(spec.line) or spec,
        states=states,
        activations=activations_of(services, spec.line),
        commands=commands_of(services, spec.line),
        references={product: list(services.references.current(spec.line, product)) for product in products},
    )


def _tabs(lines: list[LineSpec], chosen: LineSpec) -> None:
    with ui.element("nav").classes("rowx").props('aria-label="Lines"'):
        for spec in lines:
            here = spec.line == chosen.line
            with ui.element("a").classes(f"btn{' primary' if here else ''}").props(f'href="/states?line={spec.line}"'):
                ui.label(spec.display_name or spec.line)


def _draw(known: _Known, actions: StateActions) -> None:
    spec = known.spec
    products = list(dict.fromkeys(state.product for state in known.states))
    if not products:
        empty_state(
            "This line is still learning",
            f"Its first version is built from the first {spec.learning_parts} parts. Until then parts are judged "
            "zero-shot, which the live page says; nothing needs to be done here.",
        )
    for product in products:
        with ui.element("section").classes("card stack"):
            _product(product, known, spec, actions)
    line_words(spec, actions)
    with ui.element("div").style("display:grid;grid-template-columns:1fr 1fr;gap:14px"):
        with ui.element("section").classes("card stack"):
            ui.html(str(_commands(known.commands)), sanitize=False)
        with ui.element("section").classes("card stack"):
            ui.html(str(_activations(known.activations)), sanitize=False)


def _product(product: str, known: _Known, spec: LineSpec, actions: StateActions) -> None:
    states = [state for state in known.states if state.product == product]
    active = next((state for state in states if state.active), states[0])
    with ui.element("div").classes("rowx").style("justify-content:space-between"):
        ui.html(
            str(Markup("<h2>{} <span class='muted'>· {}</span></h2>").format(product_text(product), spec.line)),
            sanitize=False,
        )
        with ui.element("div").classes("rowx").style("gap:8px"):
            actions.rate(product, active.false_alarm_rate)
            actions.threshold(product, list(spec.expected_modalities))
            actions.rebuild(product, len(known.references.get(product, [])))
    with ui.element("div").classes("scroll-x"), ui.element("table").classes("grid"):
        ui.html(str(_HEAD), sanitize=False, tag="thead")
        with ui.element("tbody"):
            for state in states:
                with ui.element("tr").props(f"data-version={state.version}"):
                    for tone, cell in _cells(state):
                        ui.html(str(cell), sanitize=False, tag="td").classes(tone)
                    with ui.element("td").classes("num"):
                        if not state.active:
                            actions.rollback(state)
    ui.html(str(_references(known.references.get(product, []))), sanitize=False)


_HEAD = Markup(
    "<tr><th>Version</th><th>Built</th><th>Why</th><th class='num'>References</th><th class='num'>False-alarm rate</th>"
    "<th>Thresholds by hand</th><th>Recipe and model</th><th>Tensors</th><th></th></tr>"
)


def _cells(state: StateDocument) -> list[tuple[str, Markup]]:
    """(classes, content) of each cell but the last."""
    manual = ", ".join(f"{name} {value:g}" for name, value in state.manual_thresholds.items()) or "–"
    parent = f" from v{state.parent_version}" if state.parent_version is not None else ""
    active = Markup(' <span class="tag good">active</span>') if state.active else Markup("")
    return [
        ("", Markup("<b>v{}</b>{}").format(state.version, active)),
        ("", moment(state.created_at.isoformat())),
        ("", Markup("{}{}").format(state.reason or "built", parent)),
        ("num", Markup("{}").format(state.references)),
        ("num", _rate(state)),
        ("", Markup("{}").format(manual)),
        ("", Markup('{} <span class="mono muted">{}</span>').format(state.recipe, state.model_digest[:10])),
        ("mono muted", Markup("{}").format(state.digest[:10])),
    ]


def _rate(state: StateDocument) -> Markup:
    """The stated rate, and how well so few references know it."""
    low, high = (100 * share for share in state.false_alarm_range)
    why = f"in 95 of 100 such memories the true rate lies between {low:.1f} and {high:.1f} %"
    if state.extrapolated:
        why += f"; extrapolated: {state.references_needed} good parts would show it"
    return Markup('{:g} %<br><span class="muted" title="{}">{:.1f} – {:.1f} %{}</span>').format(
        state.false_alarm_rate * 100, why, low, high, ", extrapolated" if state.extrapolated else ""
    )


def _references(references: list[Reference]) -> Markup:
    links = Markup(" ").join(
        Markup('<a class="tag" href="/part/{}" title="{} by {}">{}</a>').format(
            it.inspection_id, it.reason or "accepted", it.by, str(it.inspection_id)[:8]
        )
        for it in references[:_REFERENCES_SHOWN]
    )
    more = len(references) - _REFERENCES_SHOWN
    return Markup(
        '<h3 style="margin-bottom:5px">References for the next build: {}</h3>'
        '<div class="rowx" style="gap:5px">{} {}</div>'
    ).format(len(references), links, f"and {more} more" if more > 0 else "")


def _commands(commands: list[CommandDocument]) -> Markup:
    tones = {"done": "good", "failed": "bad"}
    rows = Markup("").join(
        Markup(
            '<tr><td>{}</td><td>{}</td><td>{}</td><td><span class="tag {}">{}</span>'
            ' <span class="soft">{}</span></td></tr>'
        ).format(
            moment(it.requested_at.isoformat(), day=False),
            it.kind.value.replace("_", " "),
            it.by,
            tones.get(it.status, "warn"),
            it.status,
            it.message,
        )
        for it in commands[:20]
    )
    return _table("What people asked", "<th>When</th><th>What</th><th>Who</th><th>Outcome</th>", rows)


def _activations(activations: list[ActivationDocument]) -> Markup:
    rows = Markup("").join(
        Markup(
            "<tr><td>{}</td><td>{}</td><td><b>v{}</b></td><td>{}</td><td class='soft'>{}</td>"
            "<td class='num mono muted'>{} / {}</td></tr>"
        ).format(
            moment(it.activated_at.isoformat(), day=False),
            product_text(it.product),
            it.version,
            it.by,
            it.reason,
            it.partition,
            it.offset,
        )
        for it in activations[:20]
    )
    head = (
        "<th>When</th><th>Product</th><th>Version</th><th>Who</th><th>Why</th><th class='num'>Partition / offset</th>"
    )
    return _table("Which version judged from when on", head, rows)


def _table(title: str, head: str, rows: Markup) -> Markup:
    if not rows:
        return Markup('<h3>{}</h3><p class="muted" style="margin-top:6px">Nothing yet.</p>').format(title)
    return Markup(
        '<h3>{}</h3><div class="scroll-x"><table class="grid"><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
    ).format(title, Markup(head), rows)
