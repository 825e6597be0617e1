"""Health and version of this process."""

from importlib.metadata import version
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import Field

from dashboard.api.access import ROOT, guard
from dashboard.api.documents import Document
from dashboard.keys import Principal, Role
from dashboard.problems import RESPONSES
from dashboard.services import Services


class Health(Document):
    """Whether this process can answer."""

    status: Literal["ok"] = Field(description="`ok`; otherwise the answer is a 503 problem")


class Version(Document):
    """Which software answers."""

    version: str = Field(examples=["0.1.0"])
    api: str = Field(examples=["v1"])


class Who(Document):
    """Who the caller is."""

    name: str = Field(examples=["line-3-panel"])
    role: Role


def service_router(services: Services) -> APIRouter:
    """Routes /health, /version and /me."""
    router = APIRouter(prefix=ROOT, tags=["service"])

    @router.get("/health", summary="Whether the database answers", responses={503: RESPONSES[503]})
    def health() -> Health:
        """For load balancers; needs no key. 503 while the database is away."""
        services.lines.all()
        return Health(status="ok")

    @router.get("/version", summary="Which software answers")
    def software() -> Version:
        """Needs no key."""
        return Version(version=version("lineside"), api="v1")

    @router.get("/me", summary="Who I am", responses=RESPONSES)
    def me(principal: Annotated[Principal, Depends(guard(services.gate, Role.VIEWER))]) -> Who:
        """Name and role of the key."""
        return Who(name=principal.name, role=principal.role)

    return router
