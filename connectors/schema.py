"""``python -m connectors schema``: what a configuration file may hold, in the form that editors read."""

import json
from enum import StrEnum
from typing import Annotated, Final

import typer
from pydantic import BaseModel

from connectors.camera.settings import CameraSettings
from connectors.line.settings import LineSettings
from connectors.opcua.settings import OpcUaSettings
from connectors.replay.settings import ReplaySettings
from connectors.results.settings import ResultsSettings


class Kind(StrEnum):
    """The configuration files there are."""

    LINE = "line"
    CAMERA = "camera"
    OPCUA = "opcua"
    REPLAY = "replay"
    RESULTS = "results"


MODELS: Final[dict[Kind, type[BaseModel]]] = {
    Kind.LINE: LineSettings,
    Kind.CAMERA: CameraSettings,
    Kind.OPCUA: OpcUaSettings,
    Kind.REPLAY: ReplaySettings,
    Kind.RESULTS: ResultsSettings,
}


def schema(kind: Annotated[Kind, typer.Argument(help="Of which file.")] = Kind.LINE) -> None:
    """Print the JSON Schema of a configuration file, for editors that complete and check YAML."""
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **MODELS[kind].model_json_schema(),
        "title": f"Lineside: python -m connectors {kind.value}",
    }
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
