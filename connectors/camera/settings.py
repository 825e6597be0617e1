"""Settings of the camera connector; checked without touching a folder."""

from pathlib import Path

from pydantic import Field, model_validator

from connectors.settings import ConnectorSettings, Strict, check_source_name
from wire.frame import RGB


class WatchedSource(Strict):
    """One camera and the folder into which its PC delivers."""

    source: str = Field(description="<line>/<device>, e.g. plant1.hall2.line3/camera1")
    watch: Path = Field(description="folder of the delivered files; they are removed once published")
    modality: str = Field(default=RGB, min_length=1, description="holds where the sidecar names none")


class CameraSettings(ConnectorSettings):
    """A file for ``python -m connectors camera``."""

    sources: tuple[WatchedSource, ...]

    @model_validator(mode="after")
    def _sources_fit(self) -> "CameraSettings":
        if not self.sources:
            raise ValueError("sources: is empty; name at least one camera")
        for number, one in enumerate(self.sources):
            check_source_name(one.source, self.line)
            for other in self.sources[:number]:
                if one.source == other.source:
                    raise ValueError(f"sources: {one.source!r} appears twice; each camera has its own name")
                if one.watch == other.watch:
                    raise ValueError(f"sources: two cameras watch {one.watch}; each has its own folder")
        return self
