"""The JSON Schema of the configuration files, as an editor uses it."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

from connectors.__main__ import app

FOLDER = Path(__file__).resolve().parents[3] / "connectors"
SAMPLES = [(kind, FOLDER / kind / f"{kind}.yaml") for kind in ("line", "camera", "opcua", "replay", "results")]
SAMPLES += [("opcua", path) for path in sorted((FOLDER / "opcua" / "samples").glob("*.yaml"))]


def schema(kind: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["schema", kind])
    assert result.exit_code == 0, result.output
    document = json.loads(result.output)
    jsonschema.Draft202012Validator.check_schema(document)
    return document


@pytest.mark.parametrize(("kind", "sample"), SAMPLES, ids=lambda one: one.stem if isinstance(one, Path) else one)
def test_each_sample_is_valid_by_its_schema(kind: str, sample: Path) -> None:
    jsonschema.validate(yaml.safe_load(sample.read_text()), schema(kind))


@pytest.mark.parametrize(
    ("key", "value"), [("colour", "red"), ("heartbeat_s", 0), ("plc", {"endpoint": 4840}), ("cameras", "all")]
)
def test_a_wrong_key_or_value_is_seen_by_an_editor(key: str, value: object) -> None:
    content = yaml.safe_load((FOLDER / "line" / "line.yaml").read_text())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**content, key: value}, schema("line"))


def test_keys_have_words_that_an_editor_can_show() -> None:
    security = schema("opcua")["$defs"]["SecuritySettings"]["properties"]
    assert "own/, trusted/, rejected/" in security["pki"]["description"]
