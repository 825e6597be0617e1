"""Every error of the API as RFC 9457 problem+json, naming field and value."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from math import ceil
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from dashboard.errors import ApiProblem
from wire.errors import BrokerUnavailable, DatabaseUnavailable, DecodeError, ObjectStoreUnavailable, RetryLater

MEDIA_TYPE = "application/problem+json"
# A value is named so that the caller finds it; a megabyte of it would help nobody.
_VALUE_CHARACTERS = 200
_AWAY: dict[type[Exception], tuple[str, str]] = {
    DatabaseUnavailable: ("database-unavailable", "The database does not answer"),
    ObjectStoreUnavailable: ("object-store-unavailable", "The object store does not answer"),
    BrokerUnavailable: ("broker-unavailable", "Kafka does not take commands"),
}


class WrongField(BaseModel):
    """One field that was wrong."""

    field: str = Field(description="Parameter, header or path of the body", examples=["limit"])
    value: Any = Field(default=None, description="What was sent, cut to 200 characters", examples=["-3"])
    message: str = Field(examples=["Input should be greater than or equal to 1"])


class ProblemDocument(BaseModel):
    """RFC 9457 problem details."""

    type: str = Field(examples=["urn:lineside:problem:invalid-value"])
    title: str = Field(examples=["A value is not valid"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["limit: Input should be greater than or equal to 1"])
    instance: str = Field(examples=["/api/v1/inspections"])
    errors: list[WrongField] = Field(default_factory=list)


def _described(descriptions: dict[int, str]) -> dict[int | str, dict[str, Any]]:
    return {
        status: {"model": ProblemDocument, "description": description, "content": {MEDIA_TYPE: {}}}
        for status, description in descriptions.items()
    }


RESPONSES = _described(
    {
        401: "No API key, or an unknown one",
        403: "The role does not suffice",
        422: "A value is not valid; `errors` names each field and its value",
        503: "Database, object store or Kafka is away; try again after `Retry-After` seconds",
    }
)
NOT_FOUND = _described({404: "There is no such thing"})
CONFLICT = _described({409: "The idempotency key was used for another command"})


def problem(
    request: Request,
    status: int,
    slug: str,
    title: str,
    detail: str,
    *,
    errors: Sequence[WrongField] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """One problem document."""
    document = ProblemDocument(
        type=f"urn:lineside:problem:{slug}",
        title=title,
        status=status,
        detail=detail,
        instance=request.url.path,
        errors=list(errors),
    )
    return JSONResponse(document.model_dump(mode="json"), status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def answer_with_problems(app: FastAPI) -> None:
    """Install the handlers that turn every error of ``app`` into a problem document."""
    app.add_exception_handler(ApiProblem, _own)
    app.add_exception_handler(RetryLater, _away)
    app.add_exception_handler(DecodeError, _gone)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


def _own(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, ApiProblem):  # Starlette's handler type cannot say it
        raise error
    errors = []
    if error.field is not None:
        errors = [WrongField(field=error.field, value=_shown(error.value), message=error.detail)]
    return problem(request, error.status, error.slug, error.title, error.detail, errors=errors, headers=error.headers)


def _away(request: Request, error: Exception) -> JSONResponse:
    slug, title = _AWAY.get(type(error), ("unavailable", "Something this service needs is away"))
    wait_s = max(1, ceil(getattr(error, "retry_after_s", 1.0)))
    structlog.get_logger().warning("request_refused", problem=slug, path=request.url.path, error=str(error))
    return problem(request, 503, slug, title, "Try again later.", headers={"Retry-After": str(wait_s)})


def _gone(request: Request, error: Exception) -> JSONResponse:
    return problem(request, 404, "evidence-gone", "The stored bytes are missing or unreadable", str(error))


def _invalid(request: Request, error: Exception) -> JSONResponse:
    wrong = [
        WrongField(field=_place(entry["loc"]), value=_shown(entry.get("input")), message=entry["msg"])
        for entry in getattr(error, "errors", list)()
    ]
    detail = "; ".join(f"{entry.field}: {entry.message}" for entry in wrong)
    return problem(request, 422, "invalid-value", "A value is not valid", detail, errors=wrong)


def _http(request: Request, error: Exception) -> JSONResponse:
    status = getattr(error, "status_code", 500)
    phrase = HTTPStatus(status).phrase
    return problem(
        request,
        status,
        phrase.lower().replace(" ", "-"),
        phrase,
        str(getattr(error, "detail", phrase)),
        headers=getattr(error, "headers", None),
    )


def _unforeseen(request: Request, error: Exception) -> JSONResponse:
    # The server's outermost handler logs the traceback and goes on: one broken request must not stop the panel.
    return problem(request, 500, "internal-error", "Internal error", f"{type(error).__name__}; see the log")


def _place(loc: Sequence[int | str]) -> str:
    return ".".join(str(piece) for piece in loc[1:]) or str(loc[0])


def _shown(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    return text if len(text) <= _VALUE_CHARACTERS else f"{text[:_VALUE_CHARACTERS]}…"
