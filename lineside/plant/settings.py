"""Settings of the virtual plant (checks only, no network)."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from lineside.plant.faults import FaultPlan
from wire.errors import ConfigurationError, DecodeError
from wire.identifiers import check_line_id


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ProceduralSource(_Frozen):
    """Parts drawn from a seed."""

    kind: Literal["procedural"] = "procedural"


class FolderSource(_Frozen):
    """The images of a folder, recursively."""

    kind: Literal["folder"] = "folder"
    directory: Path


class PlantLine(_Frozen):
    """One line of the plant."""

    line: str
    watch: Path  # the camera delivers its files here
    depth: bool = False
    # Good parts made first, for the line to learn from; 0 = the line knows its parts already.
    commissioning_parts: int = Field(default=32, ge=0)
    seed: int = 0

    @field_validator("line")
    @classmethod
    def _line_id(cls, value: str) -> str:
        try:
            return check_line_id(value)
        except DecodeError as error:
            raise ValueError(str(error)) from error

    @property
    def short_name(self) -> str:
        """The last piece of the line id: the line's folder below Objects on the OPC UA server."""
        return self.line.rsplit(".", 1)[-1]


class Address(_Frozen):
    """Where a process listens."""

    host: str = "127.0.0.1"
    port: int = Field(ge=1, le=65535)


class PlantSettings(_Frozen):
    """The whole plant."""

    lines: tuple[PlantLine, ...] = Field(min_length=1)
    source: ProceduralSource | FolderSource = Field(default=ProceduralSource(), discriminator="kind")
    rate_hz: float = Field(default=2.0, gt=0, le=200)
    defect_rate: float = Field(default=0.1, ge=0, le=1)
    truth: Path
    opcua: Address
    control: Address
    telemetry: Address
    # Whether parts are made at once, or from POST /start on.
    autostart: bool = True
    faults: str = ""
    # The values of a stalled PLC arrive this much later: longer than the usual join window, or nothing would be late.
    late_s: float = Field(default=4.0, gt=0)
    server_down_s: float = Field(default=3.0, gt=0)

    @field_validator("faults")
    @classmethod
    def _faults(cls, value: str) -> str:
        try:
            FaultPlan.parse(value)
        except ConfigurationError as error:
            raise ValueError("; ".join(error.problems)) from error
        return value

    @property
    def endpoint(self) -> str:
        """Address of the OPC UA server."""
        return f"opc.tcp://{self.opcua.host}:{self.opcua.port}/lineside/plant"
