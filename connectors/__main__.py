"""``python -m connectors line|camera|opcua|replay|results --config FILE``."""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import structlog
import typer

from connectors.camera.commands import app as camera_commands
from connectors.camera.opening import open_camera
from connectors.camera.settings import CameraSettings
from connectors.capture_loop import CaptureLoop
from connectors.discovery.command import discover
from connectors.heartbeat import HeartbeatSender
from connectors.line.settings import LineSettings
from connectors.metrics import ConnectorMetrics, new_registry
from connectors.opcua.commands import app as opcua_commands
from connectors.opcua.settings import OpcUaSettings
from connectors.publisher import Publisher, PublisherLimits
from connectors.replay.settings import ReplaySettings
from connectors.results.settings import ResultsSettings
from connectors.schema import schema
from connectors.settings import ConnectorSettings
from connectors.source import Source
from connectors.source_ledger import SourceLedgers
from connectors.spool import Spool
from connectors.supervisor import Supervisor
from storage.objects import open_payload_store
from wire.errors import ConfigurationError, MustStop
from wire.kafka.sender import KafkaSender
from wire.logs import configure_logging
from wire.settings_layers import load
from wire.telemetry import TelemetryServer

Settings = TypeVar("Settings", bound=ConnectorSettings)
MakeSources = Callable[[Settings, SourceLedgers, ConnectorMetrics], Sequence[Source]]

app = typer.Typer(
    help="Bring events of a plant to Kafka: capture, stamp, spool, publish.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.add_typer(camera_commands, name="camera")
app.add_typer(opcua_commands, name="opcua")
app.command()(discover)
app.command()(schema)

ConfigOption = Annotated[Path, typer.Option("--config", help="YAML file; a sample lies in the connector's folder.")]
OptionalConfig = Annotated[
    Path | None, typer.Option("--config", help="YAML file; a sample lies in the connector's folder.")
]
CheckOption = Annotated[bool, typer.Option("--check", help="Check the file, report everything wrong with it, and end.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="One setting, over file and environment. Repeatable."),
]
JsonOption = Annotated[bool, typer.Option("--json-logs", help="Write log lines as JSON.")]


@app.command()
def line(
    config: ConfigOption, check: CheckOption = False, json_logs: JsonOption = False, set_flags: SetOption = None
) -> None:
    """Capture from the cameras and subscribe to the PLC of one line, in one process and one order."""

    def sources(settings: LineSettings, ledgers: SourceLedgers, metrics: ConnectorMetrics) -> Sequence[Source]:
        return [
            *_cameras(settings.camera_settings, ledgers, metrics),
            *_plc(settings.opcua_settings, ledgers, metrics),
        ]

    _main("line", config, LineSettings, sources, flags=set_flags, check=check, json_logs=json_logs)


@camera_commands.callback(invoke_without_command=True)
def camera(
    context: typer.Context,
    config: OptionalConfig = None,
    check: CheckOption = False,
    json_logs: JsonOption = False,
    set_flags: SetOption = None,
) -> None:
    """Capture from cameras: GigE Vision, USB3 Vision, RTSP, USB, folders into which camera PCs deliver."""
    if context.invoked_subcommand is None:
        _main("camera", _named(config), CameraSettings, _cameras, flags=set_flags, check=check, json_logs=json_logs)


@opcua_commands.callback(invoke_without_command=True)
def opcua(
    context: typer.Context,
    config: OptionalConfig = None,
    check: CheckOption = False,
    json_logs: JsonOption = False,
    set_flags: SetOption = None,
) -> None:
    """Subscribe to a PLC over OPC UA: a part's context, and the sensor values around its trigger."""
    if context.invoked_subcommand is None:
        _main("opcua", _named(config), OpcUaSettings, _plc, flags=set_flags, check=check, json_logs=json_logs)


@app.command()
def replay(
    config: ConfigOption, check: CheckOption = False, json_logs: JsonOption = False, set_flags: SetOption = None
) -> None:
    """Stream a folder of images, a video file or an RTSP camera."""
    # Here, because the libraries of ffmpeg (PyAV) are of use to this connector alone.
    from connectors.replay.sources import open_replay

    def sources(settings: ReplaySettings, _: SourceLedgers, __: ConnectorMetrics) -> Sequence[Source]:
        return [CaptureLoop(open_replay(one, line=settings.line)) for one in settings.sources]

    _main("replay", config, ReplaySettings, sources, flags=set_flags, check=check, json_logs=json_logs)


@app.command()
def results(
    config: ConfigOption, check: CheckOption = False, json_logs: JsonOption = False, set_flags: SetOption = None
) -> None:
    """Write verdicts back to PLCs, and raise ResultReady events of a vision system."""
    # Here, because asyncua takes half a second of CPU to import, which no camera's process need pay.
    from connectors.results.metrics import ResultMetrics
    from connectors.results.process import ResultWriter

    configure_logging("result-writer", json=json_logs)
    with _ending_in_words():
        settings = load(config, ResultsSettings, set_flags or ())
        if check:
            typer.echo(f"{config}: no problems found")
            return
        ResultWriter(settings, ResultMetrics(new_registry())).run()


def _named(config: Path | None) -> Path:
    if config is None:
        raise typer.BadParameter("missing: name the connector's file, or one of the commands", param_hint="--config")
    return config


def _cameras(settings: CameraSettings, ledgers: SourceLedgers, metrics: ConnectorMetrics) -> Sequence[Source]:
    return [
        CaptureLoop(open_camera(one, line=settings.line, ledgers=ledgers, metrics=metrics)) for one in settings.sources
    ]


def _plc(settings: OpcUaSettings, ledgers: SourceLedgers, metrics: ConnectorMetrics) -> Sequence[Source]:
    # Here, because asyncua takes half a second of CPU to import, which a line's camera processes need not pay.
    from connectors.opcua.source import OpcUaSource

    return [OpcUaSource(settings, ledgers=ledgers, metrics=metrics)]


def _main(
    name: str,
    config: Path,
    kind: type[Settings],
    make_sources: "MakeSources[Settings]",
    *,
    flags: Sequence[str] | None,
    check: bool,
    json_logs: bool,
) -> None:
    configure_logging(f"connector-{name}", json=json_logs)
    with _ending_in_words():
        settings = load(config, kind, flags or ())
        if check:
            typer.echo(f"{config}: no problems found")
            return
        _run(name, settings, make_sources)


@contextmanager
def _ending_in_words() -> Iterator[None]:
    """Status 2 with every problem of a configuration, status 1 with what stopped the process."""
    try:
        yield
    except ConfigurationError as error:
        for problem in error.problems:
            typer.echo(f"error: {problem}", err=True)
        raise typer.Exit(2) from error
    except MustStop as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error


def _run(name: str, settings: Settings, make_sources: "MakeSources[Settings]") -> None:
    """Build the process from its parts and run it until SIGTERM or SIGINT."""
    registry = new_registry()
    metrics = ConnectorMetrics(registry)
    ledgers = SourceLedgers()
    payloads = open_payload_store(settings.objects)
    spool = Spool(settings.spool.directory, max_bytes=settings.spool.max_bytes, max_age_s=settings.spool.max_age_s)
    metrics.describe(settings.line, settings.spool.directory, limit_bytes=settings.spool.max_bytes)
    sender = KafkaSender(settings.broker, client_id=f"{name}-{settings.line}")
    publisher = Publisher(
        sender=sender,
        payloads=payloads,
        spool=spool,
        ledgers=ledgers,
        metrics=metrics,
        inline_limit_bytes=settings.broker.inline_limit_bytes,
        policy=settings.spool.policy,
        limits=PublisherLimits(
            # The embedded broker spools because its readers are slow: what passes the others gains nothing there.
            new_first_after_s=None if settings.broker.embedded else settings.spool.new_first_after_s,
            drain_per_new=settings.spool.drain_per_new,
        ),
    )
    supervisor = Supervisor(
        sources=make_sources(settings, ledgers, metrics),
        publisher=publisher,
        heartbeat=HeartbeatSender(sender, ledgers, spool=lambda: publisher.spool_state),
        sender=sender,
        heartbeat_s=settings.heartbeat_s,
    )
    telemetry = TelemetryServer(
        registry,
        host=settings.telemetry.host,
        port=settings.telemetry.port,
        live=supervisor.live,
        ready=supervisor.ready,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: supervisor.stop())
    structlog.get_logger("connectors").info("started", connector=name, line=settings.line, telemetry=telemetry.url)
    try:
        supervisor.run()
    finally:
        telemetry.close()
        payloads.close()


if __name__ == "__main__":
    app(prog_name="python -m connectors")
