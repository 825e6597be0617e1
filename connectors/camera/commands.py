"""``python -m connectors camera preview``: a look through each camera of a configuration."""

import time
from pathlib import Path
from typing import Annotated, Final

import typer

from connectors.camera.opening import open_camera
from connectors.camera.settings import CameraEntry, CameraSettings
from connectors.capture_loop import CameraSource
from connectors.captured import Captured
from connectors.errors import SourceUnavailable
from connectors.line.settings import LineSettings
from connectors.metrics import ConnectorMetrics, new_registry
from connectors.source_ledger import SourceLedgers
from wire.errors import ConfigurationError
from wire.frame import frame_from_event
from wire.payload_files import usual_ending
from wire.settings_file import read_keys
from wire.settings_layers import load

app = typer.Typer(help="Capture from cameras, or look through one.", no_args_is_help=True)

_PULL_S: Final = 0.2


@app.command()
def preview(
    config: Annotated[Path, typer.Option("--config", help="File of a camera or line connector.")],
    source: Annotated[
        list[str] | None, typer.Option(help="Only this camera, <line>/<device>; may be given several times.")
    ] = None,
    output: Annotated[Path, typer.Option(metavar="DIR", file_okay=False, help="Where the pictures go.")] = Path("."),
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds that each camera has.")] = 10.0,
) -> None:
    """Save one picture of each camera as it would travel. Nothing is published, no delivered file is removed.

    A camera has one master: a connector that runs keeps a GigE or USB3 Vision camera to itself.
    """
    try:
        line, cameras = _cameras(config)
        known = [one.source for one in cameras]
        if unknown := [name for name in source or () if name not in known]:
            raise ConfigurationError([f"{config}: has no {', '.join(unknown)}; it has {', '.join(known)}"])
        _make_folder(output)
        wanted = [one for one in cameras if not source or one.source in source]
        seen = [_preview(one, line, output, timeout) for one in wanted]
    except ConfigurationError as error:
        for problem in error.problems:
            typer.echo(f"error: {problem}", err=True)
        raise typer.Exit(2) from error
    if not all(seen):
        raise typer.Exit(1)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError([f"--output: {folder} cannot be made: {error.strerror}"]) from error


def _cameras(config: Path) -> tuple[str, tuple[CameraEntry, ...]]:
    """(line, its cameras) of either kind of file."""
    if "cameras" in read_keys(config):
        settings = load(config, LineSettings, ())
        return settings.line, settings.cameras
    cameras = load(config, CameraSettings, ())
    return cameras.line, cameras.sources


def _preview(settings: CameraEntry, line: str, output: Path, timeout_s: float) -> bool:
    metrics = ConnectorMetrics(new_registry())
    camera = open_camera(settings, line=line, ledgers=SourceLedgers(), metrics=metrics)
    try:
        captured, reason = _first(camera, timeout_s)
    finally:
        camera.close()
    if captured is None:
        typer.echo(f"error: {settings.source}: {reason}", err=True)
        return False
    frame = frame_from_event(captured.event)
    path = output / f"{settings.source.rpartition('/')[2]}.{usual_ending(frame.content_type)}"
    path.write_bytes(frame.payload or b"")
    described = [frame.content_type, f"{len(frame.payload or b'')} bytes", f"time by {frame.clock.value}"]
    described += [f"{name} {value}" for name, value in sorted(frame.attributes.items())]
    typer.echo(f"{path}  {settings.source}: {', '.join(described)}")
    return True


def _first(camera: CameraSource, timeout_s: float) -> tuple[Captured | None, str]:
    """The first frame, or None and why there is none."""
    deadline_s = time.monotonic() + timeout_s
    reason = f"no frame within {timeout_s:g} s; does its trigger come?"
    while time.monotonic() < deadline_s:
        try:
            captured = camera.next(_PULL_S)
        except SourceUnavailable as error:
            reason = str(error)
            time.sleep(min(error.retry_after_s, max(0.0, deadline_s - time.monotonic())))
            continue
        if captured is not None:
            return captured, ""
    return None, reason
