"""Compiles a chart's commented values into its JSON schema: ``python helm/values_schema.py helm/lineside``.

The comment above a key is its description. What the default tells (type, keys of a section) is taken from it; a block
after ``@schema`` in the comment adds the rest, as YAML. A key that the values do not name is an error for Helm.
"""

import json
import sys
from pathlib import Path
from typing import Any

import yaml

_MARK = "@schema"
_DRAFT = "http://json-schema.org/draft-07/schema#"
_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


class UntoldType(ValueError):
    """An empty list or section whose comment does not say what may be in it."""


def schema_of(values: str) -> dict[str, Any]:
    """The schema of a values file's text. UntoldType names the key whose content nothing describes."""
    root = yaml.compose(values, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        raise UntoldType("the values hold no keys")
    section = _section(root, values.splitlines(), path="")
    # Helm lays `global` into the values of every chart.
    section["properties"]["global"] = {"type": "object"}
    return {"$schema": _DRAFT, "title": "Values of the chart", **section}


def _section(node: yaml.MappingNode, lines: list[str], *, path: str) -> dict[str, Any]:
    properties = {
        key.value: _value(value, *_comment(lines, key.start_mark.line), lines, path=f"{path}.{key.value}".lstrip("."))
        for key, value in node.value
    }
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _value(node: yaml.Node, description: str, told: dict[str, Any], lines: list[str], *, path: str) -> dict[str, Any]:
    default = yaml.safe_load(yaml.serialize(node))
    described: dict[str, Any] = {"description": description} if description else {}
    if isinstance(node, yaml.MappingNode) and not told:
        if not node.value:
            raise UntoldType(f"{path}: an empty section needs {_MARK} additionalProperties")
        return {**described, **_section(node, lines, path=path)}
    if isinstance(node, yaml.SequenceNode) and "items" not in told:
        raise UntoldType(f"{path}: a list needs {_MARK} items")
    return {**described, "type": _TYPES[type(default)], **told, "default": default}


def _comment(lines: list[str], key_line: int) -> tuple[str, dict[str, Any]]:
    """Description and schema of the comment that ends right above a key."""
    first = key_line
    while first > 0 and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    texts = [line.lstrip().removeprefix("#").removeprefix(" ") for line in lines[first:key_line]]
    if _MARK not in texts:
        return " ".join(texts).strip(), {}
    at = texts.index(_MARK)
    return " ".join(texts[:at]).strip(), yaml.safe_load("\n".join(texts[at + 1 :]))


def main(chart: Path) -> None:
    """Write ``values.schema.json`` beside the chart's values."""
    schema = schema_of((chart / "values.yaml").read_text(encoding="utf-8"))
    (chart / "values.schema.json").write_text(json.dumps(schema, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
