"""What an API request can do wrong, named for what the caller does next.

LinesideError
└── ApiProblem            answered as RFC 9457 problem+json with ``status``
├── InvalidValue      422  correct the named field and send again
├── NotFound          404  there is no such thing (any more)
├── NotDisplayable    406  fetch the original instead
├── KeyConflict       409  choose another idempotency key
├── NotIdentified     401  send an API key
└── NotAllowed        403  use a key with a higher role
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from wire.errors import LinesideError


class ApiProblem(LinesideError):
    """An error that the caller caused; ``field`` and ``value`` name the culprit where there is one."""

    status: ClassVar[int]
    slug: ClassVar[str]
    title: ClassVar[str]

    def __init__(
        self, detail: str, *, field: str | None = None, value: Any = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.value = value
        self.headers = dict(headers or {})


class InvalidValue(ApiProblem):
    """A field is well formed but makes no sense here."""

    status, slug, title = 422, "invalid-value", "A value is not valid"


class NotFound(ApiProblem):
    """The named thing does not exist."""

    status, slug, title = 404, "not-found", "Not found"


class NotDisplayable(ApiProblem):
    """The payload is no image that a browser could show."""

    status, slug, title = 406, "not-displayable", "This evidence cannot be shown as an image"


class KeyConflict(ApiProblem):
    """An idempotency key came again with another command."""

    status, slug, title = 409, "idempotency-conflict", "The idempotency key was used for another command"


class NotIdentified(ApiProblem):
    """No API key, an unknown one, or a session that ended."""

    status, slug, title = 401, "not-identified", "Who are you?"


class NotAllowed(ApiProblem):
    """The caller is known, but the role does not suffice; or the request came from a foreign page."""

    status, slug, title = 403, "not-allowed", "Your role does not allow this"
