"""What a page shows when a store does not answer while it is built."""

from collections.abc import Awaitable, Callable

from nicegui import ui

from wire.errors import RetryLater


async def guarded(build: Callable[[], Awaitable[None]]) -> None:
    """Build a page; RetryLater becomes an explanation with a button instead of a broken page."""
    place = ui.element("div").classes("fill")

    async def attempt() -> None:
        place.clear()
        with place:
            try:
                await build()
            except RetryLater as error:
                place.clear()
                with place, ui.element("main").classes("ls ls-page"), ui.element("div").classes("card empty"):
                    ui.html("<h2>The history does not answer</h2>", sanitize=False)
                    ui.label(f"{error}. Parts are kept in Kafka meanwhile; nothing is lost.")
                    ui.button("Try again", color=None, on_click=attempt).props("no-caps unelevated").classes("btn")

    await attempt()
