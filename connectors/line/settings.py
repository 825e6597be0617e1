"""Settings of the line connector; checked without touching folder or network."""

from typing import Any

from pydantic import Field, model_validator

from connectors.camera.settings import CameraEntry, CameraSettings, check_cameras
from connectors.opcua.settings import OpcUaSettings, PlcSettings, check_plc_source
from connectors.settings import ConnectorSettings


class LineSettings(ConnectorSettings):
    """A file for ``python -m connectors line``."""

    cameras: tuple[CameraEntry, ...]
    plc: PlcSettings = Field(description="keys of the OPC UA connector")

    @model_validator(mode="after")
    def _devices_fit(self) -> "LineSettings":
        check_cameras(self.cameras, self.line, key="cameras")
        check_plc_source(self.plc.source, self.line)
        return self

    @property
    def camera_settings(self) -> CameraSettings:
        """What a camera connector of these cameras alone would be told."""
        return CameraSettings(**self._shared(), sources=self.cameras)

    @property
    def opcua_settings(self) -> OpcUaSettings:
        """What an OPC UA connector of this PLC alone would be told."""
        return OpcUaSettings(**self._shared(), **dict(self.plc))

    def _shared(self) -> dict[str, Any]:
        # As keys and values, so that a variable that names one of them is laid over the others and not in their place.
        return self.model_dump(include=set(ConnectorSettings.model_fields))
