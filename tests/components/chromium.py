"""A real Chromium, driven by Playwright, that sees loopback only."""

import shutil
from pathlib import Path
from typing import Self

from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request, sync_playwright

# No sandbox: test runs are often root, and the pages are ours. The rest keeps the browser from talking to anyone else.
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A page that needs another host than this machine fails here as it would in a plant without internet.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)
# Two shared cores: a page of the first start compiles its scripts in seconds.
ACTION_TIMEOUT_MS = 15_000
VIEWPORT_WIDTH_PX = 1440
VIEWPORT_HEIGHT_PX = 900


class RealChromium:
    """One headless browser; `errors` collects exceptions, console errors and lost requests of its pages.

    Playwright's synchronous interface occupies the thread's event loop: start it per test, and not in an `async` test.
    """

    def __init__(self, *, executable: Path | None = None) -> None:
        self._executable = executable or Path(shutil.which("chromium") or "/usr/bin/chromium")
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self.errors: list[str] = []

    def start(self) -> Self:
        self._playwright = sync_playwright().start()
        try:
            self._browser = self._playwright.chromium.launch(executable_path=self._executable, args=list(ARGUMENTS))
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        if self._browser is not None:
            self._browser.close()
        if self._playwright is not None:
            self._playwright.stop()
        self._browser = self._playwright = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def new_page(self, *, width_px: int = VIEWPORT_WIDTH_PX, height_px: int = VIEWPORT_HEIGHT_PX) -> Page:
        """Open a page in a context of its own: no cookies or storage of another page."""
        if self._browser is None:
            raise RuntimeError("Chromium was never started")
        context = self._browser.new_context(viewport={"width": width_px, "height": height_px})
        context.set_default_timeout(ACTION_TIMEOUT_MS)
        page = context.new_page()
        page.on("pageerror", lambda error: self.errors.append(f"exception: {error}"))
        page.on("console", self._note_console)
        page.on("requestfailed", self._note_lost_request)
        return page

    def screenshot(self, page: Page, path: Path, *, full_page: bool = True) -> Path:
        """Write a PNG of the page and return its path."""
        path.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=path, full_page=full_page, animations="disabled")
        return path

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"console: {message.text}")

    def _note_lost_request(self, request: Request) -> None:
        # A navigation away aborts what is still loading; that is no failure.
        if request.failure != "net::ERR_ABORTED":
            self.errors.append(f"request: {request.url}: {request.failure}")
