"""Logging in and out with a browser."""

from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from dashboard.errors import NotIdentified
from dashboard.gate import COOKIE, refuse_foreign_page
from dashboard.services import Services

_PAGE = Path(__file__).parent / "pages" / "login.html"
# A key has some 50 characters; nobody needs to send more.
_BODY_BYTES_MAX = 4096


def login_router(services: Services) -> APIRouter:
    """Routes /login and /logout, for people."""
    router = APIRouter(include_in_schema=False)

    @router.get("/login")
    def form() -> Response:
        return RedirectResponse("/") if not services.gate.asks_for_keys else _page("")

    @router.post("/login")
    async def enter(request: Request) -> Response:
        refuse_foreign_page(request.headers)
        body = await request.body()
        key = parse_qs(body[:_BODY_BYTES_MAX].decode(errors="replace")).get("key", [""])[0]
        try:
            session = services.gate.login(key.strip())
        except NotIdentified:
            return _page('<p class="wrong" role="alert">This key is not known.</p>', HTTPStatus.UNAUTHORIZED)
        response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
        response.set_cookie(
            COOKIE,
            session,
            max_age=round(services.settings.session_hours * 3600),
            httponly=True,
            samesite="strict",
            secure=services.settings.secure_cookies,
        )
        return response

    @router.get("/logout")
    def leave() -> Response:
        response = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
        response.delete_cookie(COOKIE)
        return response

    return router


def _page(message: str, status: int = HTTPStatus.OK) -> HTMLResponse:
    return HTMLResponse(_PAGE.read_text(encoding="utf-8").replace("<!-- message -->", message), status)
