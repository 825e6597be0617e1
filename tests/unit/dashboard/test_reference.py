"""The API's reference page: complete, without a script, and with examples that the API understands."""

import re

import httpx
import pytest
from pydantic import BaseModel

from dashboard.command_requests import PartsRequest, RateRequest, RebuildRequest, RollbackRequest, ThresholdRequest
from dashboard.reference.operation_section import anchor_of, prose
from dashboard.reference.schema_words import Schema, example_of, limit_words, type_words

DOCS, OPENAPI = "/api/v1/docs", "/api/v1/openapi.json"


async def test_every_operation_and_schema_has_its_section(client: httpx.AsyncClient) -> None:
    page, document = (await client.get(DOCS)).text, (await client.get(OPENAPI)).json()
    operations = [anchor_of(method, path) for path, methods in document["paths"].items() for method in methods]
    sections = operations + [f"schema-{name}" for name in document["components"]["schemas"]]
    assert len(sections) > 50
    assert re.findall(r'<section id="([^"]*)">', page) == [*operations, *sorted(sections[len(operations) :])]


async def test_every_link_leads_somewhere(client: httpx.AsyncClient) -> None:
    page = (await client.get(DOCS)).text
    targets = set(re.findall(r'id="([^"]*)"', page))
    assert set(re.findall(r'href="#([^"]*)"', page)) <= targets
    assert set(re.findall(r'href="([^#"][^"]*)"', page)) == {"/", OPENAPI}


async def test_the_page_runs_nothing_and_fetches_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.get(DOCS)
    assert answer.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<script" not in answer.text
    assert "src=" not in answer.text


async def test_a_command_shows_limits_and_a_call_to_copy(client: httpx.AsyncClient) -> None:
    page = (await client.get(DOCS)).text
    section = page[page.index('<section id="post-api-v1-lines-line-set-rate">') :].split("</section>")[0]
    for text in (
        'Body: <a href="#schema-RateRequest">RateRequest</a>',
        "at least 1 characters, at most 200 characters",
        "&#39;{&#34;reason&#34;: &#34;water drop, not a crack&#34;, &#34;false_alarm_rate&#34;: 0.01}&#39;",
        "The idempotency key was used for another command",
    ):
        assert text in section


@pytest.mark.parametrize("model", [PartsRequest, RateRequest, RebuildRequest, RollbackRequest, ThresholdRequest])
async def test_the_example_of_a_body_is_one_that_the_api_takes(
    client: httpx.AsyncClient, model: type[BaseModel]
) -> None:
    schemas = (await client.get(OPENAPI)).json()["components"]["schemas"]
    model.model_validate(example_of(schemas[model.__name__], schemas))


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"$ref": "#/components/schemas/Mode"}, '<a href="#schema-Mode">Mode</a>'),
        ({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}, "moment (RFC 3339) or null"),
        ({"type": "array", "items": {"type": "string", "format": "uuid"}}, "list of UUID"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "object, each value: integer"),
        ({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "number"}]}, "[integer, number]"),
        ({"enum": ["ok", "<b>"], "type": "string"}, "<code>ok</code>, <code>&lt;b&gt;</code>"),
        ({"const": "ok", "type": "string"}, "<code>ok</code>"),
        ({}, "any"),
    ],
)
def test_types_are_said_in_words(schema: Schema, words: str) -> None:
    assert str(type_words(schema)) == words


def test_limits_are_said_in_words() -> None:
    assert limit_words({"exclusiveMinimum": 0, "maximum": 5, "default": 2}) == "> 0, ≤ 5, default 2"
    assert limit_words({"anyOf": [{"maxLength": 120}, {"type": "null"}], "default": ""}) == "at most 120 characters"


def test_a_description_is_text_but_for_code_and_emphasis() -> None:
    assert str(prose("Send `a<b` as *one*.\n\n<script>")) == (
        "<p>Send <code>a&lt;b</code> as <em>one</em>.</p><p>&lt;script&gt;</p>"
    )
