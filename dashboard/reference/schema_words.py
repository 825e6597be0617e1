"""JSON schemas in words: types with links, limits, examples."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

Schema = Mapping[str, Any]

_FORMATS = {"date-time": "moment (RFC 3339)", "uuid": "UUID", "binary": "bytes"}
_LIMITS = (
    ("minimum", "≥ {}"),
    ("exclusiveMinimum", "> {}"),
    ("maximum", "≤ {}"),
    ("exclusiveMaximum", "< {}"),
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "at least {} items"),
    ("maxItems", "at most {} items"),
    ("pattern", "matches {}"),
)
_PLACEHOLDERS = {"string": "…", "integer": 1, "number": 0.5, "boolean": True, "null": None}


def name_of(reference: str) -> str:
    """``#/components/schemas/Verdict`` → ``Verdict``."""
    return reference.rsplit("/", 1)[-1]


def type_words(schema: Schema) -> Markup:
    """The type; named ones link to their section of the page."""
    if "$ref" in schema:
        return Markup('<a href="#schema-{0}">{0}</a>').format(name_of(schema["$ref"]))
    if "anyOf" in schema:
        return Markup(" or ").join(type_words(choice) for choice in schema["anyOf"])
    if "const" in schema:
        return Markup("<code>{}</code>").format(schema["const"])
    if "enum" in schema:
        return Markup(", ").join(Markup("<code>{}</code>").format(value) for value in schema["enum"])
    if "prefixItems" in schema:
        return Markup("[{}]").format(Markup(", ").join(type_words(item) for item in schema["prefixItems"]))
    if schema.get("type") == "array":
        return Markup("list of {}").format(type_words(schema.get("items", {})))
    if isinstance(values := schema.get("additionalProperties"), Mapping):
        return Markup("object, each value: {}").format(type_words(values))
    return Markup("{}").format(_FORMATS.get(schema.get("format", ""), schema.get("type", "any")))


def limit_words(schema: Schema) -> str:
    """Limits and default, empty if there are none."""
    choices = [schema, *schema.get("anyOf", ())]
    words = [text.format(choice[key]) for key, text in _LIMITS for choice in choices if key in choice]
    if schema.get("default") is not None and schema["default"] != "":
        words.append(f"default {schema['default']}")
    return ", ".join(words)


def example_of(schema: Schema, schemas: Mapping[str, Schema]) -> Any:
    """A value that fits: the first example, else the default, else a placeholder; objects by their required fields."""
    if "$ref" in schema:
        return example_of(schemas[name_of(schema["$ref"])], schemas)
    if schema.get("examples"):
        return schema["examples"][0]
    if "properties" in schema:
        required = schema.get("required", ())
        return {
            name: example_of(field, schemas)
            for name, field in schema["properties"].items()
            if name in required or field.get("examples")
        }
    if schema.get("type") == "array":
        return [example_of(schema.get("items", {}), schemas)]
    if schema.get("format") == "uuid":
        return "7d1f6d3e-1c0b-5d43-9a53-0b8f3a5d7f10"
    return schema.get("default", _PLACEHOLDERS.get(schema.get("type", ""), "…"))
