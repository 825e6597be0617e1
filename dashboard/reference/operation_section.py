"""One operation of the API as a section of the reference."""

import json
import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from dashboard.reference.schema_words import Schema, example_of, limit_words, type_words

_CODE = re.compile(r"`([^`]+)`")
_EMPHASIS = re.compile(r"\*([^*\s][^*]*)\*")
# What FastAPI writes where a route says nothing itself.
_SAYS_NOTHING = "Successful Response"


def prose(text: str) -> Markup:
    """Paragraphs, `code` and *emphasis* of a description; everything else is text."""
    paragraphs = []
    for paragraph in filter(None, (piece.strip() for piece in text.split("\n\n"))):
        coded = _CODE.sub(r"<code>\1</code>", str(escape(paragraph)))
        paragraphs.append(Markup("<p>{}</p>").format(Markup(_EMPHASIS.sub(r"<em>\1</em>", coded))))
    return Markup("").join(paragraphs)


def anchor_of(method: str, path: str) -> str:
    """The section's name in addresses."""
    return f"{method}-{re.sub('[^a-z0-9]+', '-', path.lower()).strip('-')}"


def operation_section(method: str, path: str, operation: Mapping[str, Any], schemas: Mapping[str, Schema]) -> Markup:
    """Path, description, parameters, body, answers, and a call to copy."""
    body = _body_schema(operation)
    return Markup(
        '<section id="{}"><h3><span class="method {}">{}</span> <code>{}</code></h3>'
        "<p><b>{}</b>{}</p>{}{}{}<pre>{}</pre>{}</section>"
    ).format(
        anchor_of(method, path),
        method,
        method.upper(),
        path,
        operation.get("summary", ""),
        "" if operation.get("security") else " · needs no key",
        prose(operation.get("description", "")),
        _parameters(operation.get("parameters", ())),
        Markup("<p>Body: {}</p>").format(type_words(body)) if body else "",
        _call(method, path, operation, body, schemas),
        _answers(operation["responses"]),
    )


def _body_schema(operation: Mapping[str, Any]) -> Schema | None:
    content = operation.get("requestBody", {}).get("content", {})
    return next((it["schema"] for it in content.values()), None)


def _parameters(parameters: Any) -> Markup:
    if not parameters:
        return Markup("")
    rows = Markup("").join(
        Markup("<tr><td><code>{}</code></td><td>{}</td><td>{}</td><td>{}{}</td></tr>").format(
            it["name"],
            it["in"],
            type_words(_given(it["schema"])),
            prose(it.get("description", "")),
            limit_words(it["schema"]),
        )
        for it in parameters
    )
    return table("<th>Parameter</th><th>In</th><th>Type</th><th>Meaning</th>", rows)


def _given(schema: Schema) -> Schema:
    """The type of a parameter that is given: none can be sent as null, it is left out instead."""
    given = [choice for choice in schema.get("anyOf", ()) if choice.get("type") != "null"]
    return {**schema, "anyOf": given} if given else schema


def _answers(responses: Mapping[str, Any]) -> Markup:
    rows = Markup("").join(
        Markup("<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>").format(
            status, _content_words(answer.get("content", {})), prose(_said(answer))
        )
        for status, answer in sorted(responses.items())
    )
    return table("<th>Status</th><th>Answer</th><th>Meaning</th>", rows)


def _said(answer: Mapping[str, Any]) -> str:
    return "" if answer.get("description") == _SAYS_NOTHING else answer.get("description", "")


def _content_words(content: Mapping[str, Any]) -> Markup:
    known = [type_words(it["schema"]) for it in content.values() if it.get("schema")]
    return known[0] if known else Markup(", ").join(content)


def _call(
    method: str, path: str, operation: Mapping[str, Any], body: Schema | None, schemas: Mapping[str, Schema]
) -> str:
    lines = ["curl" if method == "get" else f"curl -X {method.upper()}"]
    if operation.get("security"):
        lines.append('-H "X-API-Key: $KEY"')
    if body is not None:
        lines += ["-H 'Content-Type: application/json'", f"-d '{json.dumps(example_of(body, schemas))}'"]
    return " ".join([*lines, f'"$LINESIDE{path}"'])


def table(head: str, rows: Markup) -> Markup:
    """A table; ``head`` is our own markup."""
    return Markup('<table class="grid"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>').format(
        Markup(head),
        rows,
    )
