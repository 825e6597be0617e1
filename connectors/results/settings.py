"""Settings of the result writer; checked without touching the network."""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from connectors.opcua.security_settings import IdentitySettings, SecuritySettings
from connectors.opcua.settings import NodeText
from connectors.settings import LineId, Strict, TelemetrySettings
from wire.finding import Verdict
from wire.kafka.settings import KafkaSettings
from wire.process_settings import ProcessSettings

_CODES: Final = {Verdict.UNKNOWN: 0, Verdict.OK: 1, Verdict.DEFECT: 2}


class ResultNodes(Strict):
    """Where a verdict is written. ``counter`` is written last, when everything else lies there."""

    part_id: NodeText
    verdict: NodeText = Field(description="text, or a number by verdict_codes: the node's type decides")
    counter: NodeText = Field(description="integer; its change tells the PLC that a result is there")
    late: NodeText | None = Field(default=None, description="Boolean: the deadline had passed when it was written")
    partial: NodeText | None = Field(default=None, description="Boolean: a modality was missing")
    score: NodeText | None = None
    threshold: NodeText | None = None
    result_id: NodeText | None = None

    def paths(self) -> dict[str, str]:
        """Field → address of those that are configured."""
        return {name: path for name, path in self if path is not None}


class Acknowledgement(Strict):
    """How the PLC says that it has taken a result: it echoes the part id (and the counter)."""

    part_id: NodeText
    counter: NodeText | None = Field(default=None, description="tells a repeated part apart; else the echo must be new")
    timeout_s: float = Field(default=2.0, gt=0, le=60)


class WriteSettings(Strict):
    """The PLC of one line as a receiver of verdicts."""

    endpoint: str = Field(description="opc.tcp://host:port/path")
    namespace: str = Field(min_length=1, description="URI of the namespace of nodes that name no other")
    namespaces: dict[str, str] = Field(default_factory=dict, description="alias: URI, for paths through several")
    security: SecuritySettings = SecuritySettings()
    identity: IdentitySettings = IdentitySettings()
    nodes: ResultNodes
    acknowledge: Acknowledgement | None = Field(default=None, description="none: a write that succeeded is enough")
    verdict_codes: dict[Verdict, int] = Field(default_factory=lambda: dict(_CODES))

    @field_validator("endpoint")
    @classmethod
    def _is_endpoint(cls, endpoint: str) -> str:
        return check_endpoint(endpoint)

    @model_validator(mode="after")
    def _codes_complete(self) -> "WriteSettings":
        if missing := [verdict.value for verdict in Verdict if verdict not in self.verdict_codes]:
            raise ValueError(f"verdict_codes: {', '.join(missing)} is missing; give each verdict a number")
        return self


class ResultLine(Strict):
    """One line's way back."""

    line: LineId
    # A verdict that the part has outrun ejects its successor: what is late must be known to be late.
    deadline_s: float = Field(default=1.0, gt=0, le=3600, description="trigger to written; beyond, it is marked late")
    expire_s: float = Field(default=30.0, gt=0, le=86_400, description="older verdicts are not written at all")
    plc: WriteSettings | None = Field(default=None, description="none: the vision system alone")

    @model_validator(mode="after")
    def _late_before_expired(self) -> "ResultLine":
        if self.expire_s < self.deadline_s:
            raise ValueError(f"{self.line}: expire_s {self.expire_s:g} is below deadline_s {self.deadline_s:g}")
        return self


class VisionSystemSettings(Strict):
    """An OPC UA server of ours with a VisionSystem (OPC 40100-1) per line."""

    endpoint: str = Field(description="opc.tcp://host:port on which it listens")
    nodeset: Path = Field(description="Opc.Ua.MachineVision.NodeSet2.xml of the OPC Foundation")
    security: SecuritySettings = SecuritySettings()

    @field_validator("endpoint")
    @classmethod
    def _is_endpoint(cls, endpoint: str) -> str:
        return check_endpoint(endpoint)


class ResultsSettings(ProcessSettings):
    """A file for ``python -m connectors results``."""

    broker: KafkaSettings
    journal: Path = Field(description="file that remembers what was written, over a restart")
    group: str = Field(default="lineside-results", min_length=1, description="Kafka consumer group of this writer")
    telemetry: TelemetrySettings = TelemetrySettings()
    lines: tuple[ResultLine, ...] = Field(min_length=1)
    vision_system: VisionSystemSettings | None = None

    @model_validator(mode="after")
    def _each_has_a_receiver(self) -> "ResultsSettings":
        names = [line.line for line in self.lines]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"lines: {', '.join(twice)} appears twice")
        if self.vision_system is None and (idle := [line.line for line in self.lines if line.plc is None]):
            raise ValueError(f"lines: {', '.join(idle)} has no receiver; give it a plc, or add vision_system")
        return self


def check_endpoint(endpoint: str) -> str:
    """ValueError if it is no address of an OPC UA server."""
    parts = urlsplit(endpoint)
    if parts.scheme != "opc.tcp" or not parts.hostname:
        raise ValueError("is no OPC UA address; write opc.tcp://host:port")
    return endpoint
