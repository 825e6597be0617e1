"""The virtual plant as a process: all lines, one OPC UA server, the control API."""

import asyncio
import signal
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import structlog

from lineside.metrics.registry import new_registry
from lineside.plant.camera import Camera
from lineside.plant.control_api import ControlApi, PlantControls
from lineside.plant.faults import Fault, FaultDice, FaultPlan
from lineside.plant.folder_parts import FolderParts
from lineside.plant.image_folder import ImageFolder
from lineside.plant.line import Line
from lineside.plant.metrics import PlantMetrics
from lineside.plant.opcua_server import PlantServer
from lineside.plant.plc import Plc
from lineside.plant.procedural_parts import ProceduralParts
from lineside.plant.produced_part import PartSource
from lineside.plant.settings import FolderSource, PlantLine, PlantSettings
from lineside.plant.truth_ledger import TruthLedger
from wire.errors import ConfigurationError
from wire.frame import DEPTH, RGB
from wire.telemetry import TelemetryServer


def camera_source(line: str, modality: str) -> str:
    """The source id of the camera that sees ``modality``."""
    return f"{line}/depth1" if modality == DEPTH else f"{line}/camera1"


def part_source(settings: PlantSettings, line: PlantLine, learning_parts: int) -> PartSource:
    """Where the parts of ``line`` come from."""
    if isinstance(settings.source, FolderSource):
        folder = ImageFolder.scan(settings.source.directory)
        return FolderParts(folder, seed=line.seed, learning_parts=learning_parts)
    return ProceduralParts(
        seed=line.seed, depth=line.depth, defect_rate=settings.defect_rate, commissioning_parts=learning_parts
    )


def run(settings: PlantSettings) -> None:
    """Run the plant until SIGTERM or SIGINT. ConfigurationError if a port is taken or the source has no images."""
    asyncio.run(_run(settings))


async def _run(settings: PlantSettings) -> None:
    log = structlog.get_logger("plant")
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    registry = new_registry()
    metrics = PlantMetrics(registry)
    truth = TruthLedger(settings.truth)
    server = PlantServer(endpoint=settings.endpoint, lines=[line.short_name for line in settings.lines])
    plan = FaultPlan.parse(settings.faults)
    # One thread per line: drawing, truth and files of a line follow one another, lines do not wait for each other.
    with ThreadPoolExecutor(len(settings.lines), thread_name_prefix="line") as executor:
        lines = {
            line.short_name: _build_line(settings, line, server, truth, plan, metrics, executor)
            for line in settings.lines
        }
        try:
            await server.start()
        except OSError as error:
            raise ConfigurationError([f"opcua: cannot listen on {settings.endpoint}: {error.strerror}"]) from error
        metrics.server_up.set(1)
        restarts: set[asyncio.Task[None]] = set()

        def restart_server() -> None:
            task = loop.create_task(_restart(server, metrics, settings.server_down_s))
            restarts.add(task)
            task.add_done_callback(restarts.discard)

        controls = PlantControls(lines, restart_server=restart_server)
        try:
            api = ControlApi(settings.control, controls, loop)
        except OSError as error:
            address = f"{settings.control.host}:{settings.control.port}"
            raise ConfigurationError([f"control: cannot listen on {address}: {error.strerror}"]) from error
        telemetry = TelemetryServer(
            registry,
            host=settings.telemetry.host,
            port=settings.telemetry.port,
            ready=lambda: None if server.running else "the OPC UA server is away",
        )
        if settings.autostart:
            controls.start()
        schedule = asyncio.create_task(_follow(plan, controls))
        production = asyncio.create_task(_produce(lines.values()))
        stopping = asyncio.create_task(stop.wait())
        log.info("plant runs", endpoint=settings.endpoint, lines=list(lines))
        try:
            # Production may end by /stop; the server then stays up, as a PLC does when its line stands.
            await asyncio.wait([production, stopping], return_when=asyncio.FIRST_COMPLETED)
            if production.done():
                production.result()  # a line that failed ends the plant, loudly
            await stopping
        finally:
            for line in lines.values():
                line.stop()
            await production
            schedule.cancel()
            stopping.cancel()
            await asyncio.gather(schedule, stopping, *restarts, return_exceptions=True)
            await server.stop()
            api.close()
            telemetry.close()
            truth.close()
            log.info("plant stopped")


def _build_line(
    settings: PlantSettings,
    line: PlantLine,
    server: PlantServer,
    truth: TruthLedger,
    plan: FaultPlan,
    metrics: PlantMetrics,
    executor: ThreadPoolExecutor,
) -> Line:
    modalities = [RGB, *([DEPTH] if line.depth else [])]
    return Line(
        line=line.line,
        rate_hz=settings.rate_hz,
        source=part_source(settings, line, line.commissioning_parts),
        cameras={
            modality: Camera(source=camera_source(line.line, modality), modality=modality, folder=line.watch / modality)
            for modality in modalities
        },
        plc=Plc(line=line.short_name, server=server),
        truth=truth,
        dice=FaultDice(plan, seed=[line.seed]),
        late_s=settings.late_s,
        executor=executor,
        metrics=metrics,
    )


async def _produce(lines: Iterable[Line]) -> None:
    await asyncio.gather(*(line.run() for line in lines))


async def _restart(server: PlantServer, metrics: PlantMetrics, down_s: float) -> None:
    if server.running:
        metrics.server_up.set(0)
        await server.restart(down_s=down_s)
        metrics.server_up.set(1)


async def _follow(plan: FaultPlan, controls: PlantControls) -> None:
    """Do what the plan says, when it says, counted from the begin of the production."""
    await controls.begun.wait()
    started_s = asyncio.get_running_loop().time()
    for at_s, fault in plan.schedule:
        await asyncio.sleep(max(0.0, started_s + at_s - asyncio.get_running_loop().time()))
        controls.inject({"fault": Fault(fault).value})
