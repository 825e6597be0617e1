"""The frame around every page: navigation, clock, who is here, and whether the database answers."""

from pathlib import Path

from nicegui import context, ui

from dashboard.keys import Principal
from dashboard.services import Services

_HERE = Path(__file__).parent
_PAGES = (("/", "Live"), ("/review", "Review"), ("/history", "History"), ("/states", "States"), ("/ledger", "Ledger"))
# The banner may be a second late; the live page itself is faster.
_CHECK_EVERY_S = 1.0


def add_assets() -> None:
    """Style and script of all pages, inside the page: nothing is fetched from anywhere."""
    ui.add_head_html(f"<style>{(_HERE / 'theme.css').read_text(encoding='utf-8')}</style>")
    ui.add_head_html(f"<script>{(_HERE / 'moment.js').read_text(encoding='utf-8')}</script>")


def top_bar(services: Services, principal: Principal) -> None:
    """Navigation that follows the address, and the person."""
    with ui.element("header").classes("ls-top ls"):
        ui.html('<span class="ls-brand"><i></i>Lineside</span>', sanitize=False)
        links = {}
        for path, name in _PAGES:
            with ui.element("a").props(f'href="{path}"').classes("ls-nav") as links[path]:
                ui.label(name)
                if path == "/review":
                    _waiting_badge(services)
        with ui.element("div").classes("ls-right"):
            with ui.element("a").props('href="/api/v1/docs" target="_blank"'):
                ui.label("API")
            ui.label(f"{principal.name} · {principal.role}").tooltip("Who you are, and your role")
            if services.gate.asks_for_keys:
                with ui.element("a").props('href="/logout" target="_self" data-leave').on("click", js_handler=_LEAVE):
                    ui.label("Log out")

    def mark(path: str) -> None:
        here = path.split("?")[0]
        for target, link in links.items():
            chosen = here == target or (target != "/" and here.startswith(target))
            link.classes(add="here" if chosen else "", remove="" if chosen else "here")

    router = context.client.sub_pages_router
    router.on_path_changed(mark)
    mark(router.current_path)


def _waiting_badge(services: Services) -> None:
    """How many flagged parts wait for an answer; two digits are all that a badge can hold."""
    badge = ui.label().classes("badge").tooltip("Flagged parts that nobody has answered")

    def count() -> None:
        waiting = services.feed.look().waiting
        badge.set_text(str(waiting) if waiting < 100 else "99+")
        badge.set_visibility(waiting > 0)

    count()
    ui.timer(_CHECK_EVERY_S, count)


_LEAVE = "(event) => { event.preventDefault(); event.stopPropagation(); location.assign('/logout'); }"


def stale_banner(services: Services) -> None:
    """Says so while the database does not answer; what is shown is then the last that was known."""
    banner = ui.html("", sanitize=False).classes("ls-stale").props('role="alert"')
    banner.set_visibility(False)

    def check() -> None:
        away_since = services.feed.look().away_since
        banner.set_visibility(away_since is not None)
        if away_since is not None:
            banner.set_content(
                f'The database has not answered since <ls-time iso="{away_since.isoformat()}"></ls-time>. You see the '
                "last known state; parts are kept in Kafka and will appear when it is back."
            )

    ui.timer(_CHECK_EVERY_S, check)
