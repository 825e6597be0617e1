"""The reference page: every operation by subject, then every schema; no script, nothing fetched from anywhere."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from dashboard.api.access import ROOT
from dashboard.reference.operation_section import anchor_of, operation_section, prose, table
from dashboard.reference.schema_words import Schema, limit_words, type_words

_STYLES = (
    Path(__file__).parent.parent / "pages" / "theme.css",
    Path(__file__).parent / "reference.css",
)
# The page is text and its own style; even a description with a script in it could not run.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def reference_router(app: FastAPI) -> APIRouter:
    """The route /api/v1/docs; as open as the description that it shows."""
    router = APIRouter(include_in_schema=False)

    @router.get(f"{ROOT}/docs", response_class=HTMLResponse)
    def reference() -> HTMLResponse:
        return HTMLResponse(str(reference_page(app.openapi())), headers={"Content-Security-Policy": _POLICY})

    return router


def reference_page(document: Mapping[str, Any]) -> Markup:
    """The whole page for an OpenAPI document."""
    schemas: Mapping[str, Schema] = document["components"]["schemas"]
    by_tag: dict[str, list[tuple[str, str, Mapping[str, Any]]]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            by_tag.setdefault(operation["tags"][0], []).append((method, path, operation))
    subjects = Markup("").join(
        Markup("<h2>{}</h2>{}").format(
            tag.capitalize(),
            Markup("").join(operation_section(method, path, it, schemas) for method, path, it in operations),
        )
        for tag, operations in by_tag.items()
    )
    return Markup(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        'content="width=device-width, initial-scale=1"><title>{title} API</title><style>{style}</style></head>'
        '<body class="ls reference"><nav>{contents}</nav><main><h1>{title} API, version {version}</h1>{intro}'
        "{subjects}<h2>Schemas</h2>{schemas}</main></body></html>"
    ).format(
        title=document["info"]["title"],
        version=document["info"]["version"],
        style=Markup("\n").join(Markup(path.read_text(encoding="utf-8")) for path in _STYLES),
        contents=_contents(by_tag),
        intro=prose(document["info"].get("description", "")),
        subjects=subjects,
        schemas=Markup("").join(_schema(name, schema) for name, schema in sorted(schemas.items())),
    )


def _contents(by_tag: Mapping[str, list[tuple[str, str, Mapping[str, Any]]]]) -> Markup:
    return Markup('<a href="/">← Pages</a> <a href="{}/openapi.json">openapi.json</a>{}').format(
        ROOT,
        Markup("").join(
            Markup("<h3>{}</h3>{}").format(
                tag,
                Markup("").join(
                    Markup('<a href="#{}">{}</a>').format(anchor_of(method, path), operation.get("summary", path))
                    for method, path, operation in operations
                ),
            )
            for tag, operations in by_tag.items()
        ),
    )


def _schema(name: str, schema: Schema) -> Markup:
    if "properties" not in schema:
        content = Markup("<p>{}</p>").format(type_words(schema))
    else:
        required = schema.get("required", ())
        rows = Markup("").join(
            Markup("<tr><td><code>{}</code>{}</td><td>{}</td><td>{}{}</td></tr>").format(
                field,
                " *" if field in required else "",
                type_words(it),
                prose(it.get("description", "")),
                limit_words(it),
            )
            for field, it in schema["properties"].items()
        )
        content = table("<th>Field (* always there)</th><th>Type</th><th>Meaning</th>", rows)
    return Markup('<section id="schema-{}"><h3><code>{}</code></h3>{}{}</section>').format(
        name, name, prose(schema.get("description", "")), content
    )
