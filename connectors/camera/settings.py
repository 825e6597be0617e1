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
        check_cameras(self.sources, self.line, key="sources")
        return self


def check_cameras(cameras: tuple[WatchedSource, ...], line: str, *, key: str) -> None:
    """ValueError if the list under ``key`` is empty, or a camera is not of ``line`` or like another one."""
    if not cameras:
        raise ValueError(f"{key}: is empty; name at least one camera")
    for number, one in enumerate(cameras):
        check_source_name(one.source, line)
        for other in cameras[:number]:
            if one.source == other.source:
                raise ValueError(f"{key}: {one.source!r} appears twice; each camera has its own name")
            if one.watch == other.watch:
                raise ValueError(f"{key}: two cameras watch {one.watch}; each has its own folder")
