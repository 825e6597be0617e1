"""Who may call a route: dependencies that read the key or cookie and compare roles."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer

from dashboard.gate import Gate, need, refuse_foreign_page
from dashboard.keys import Principal, Role
from dashboard.problems import RESPONSES

ROOT = "/api/v1"

# Declared for the API description; the gate reads the headers itself, so that pages and API agree.
_DECLARED = (
    Security(APIKeyHeader(name="X-API-Key", auto_error=False, description="An API key")),
    Security(HTTPBearer(auto_error=False, description="An API key as bearer token")),
)


def guard(gate: Gate, role: Role) -> Callable[..., Principal]:
    """A dependency that returns the caller; NotIdentified or NotAllowed if it may not pass with ``role``."""

    def caller(
        request: Request, header: Annotated[object, _DECLARED[0]] = None, bearer: Annotated[object, _DECLARED[1]] = None
    ) -> Principal:
        principal = gate.principal(request.headers, request.cookies)
        if request.method not in ("GET", "HEAD"):
            refuse_foreign_page(request.headers)
        need(principal, role)
        return principal

    return caller


def reading_router(gate: Gate, tag: str) -> APIRouter:
    """A router below the API's root whose routes a viewer may call."""
    return APIRouter(prefix=ROOT, tags=[tag], responses=RESPONSES, dependencies=[Depends(guard(gate, Role.VIEWER))])
