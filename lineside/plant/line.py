"""One line of the virtual plant: makes parts at a steady rate, triggers its cameras, tells its PLC."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

import structlog

from lineside.disk_space import is_no_room
from lineside.plant.camera import Camera, Delivery, Trigger
from lineside.plant.faults import Fault, FaultDice
from lineside.plant.metrics import PlantMetrics
from lineside.plant.plc import Plc
from lineside.plant.produced_part import DrawsDefects, PartSource, ProducedPart, Shot
from lineside.plant.sensor_playback import SensorPlayback, sample_hz, window_half_s
from lineside.plant.truth_ledger import TrueFrame, TruePart, TruthLedger

# A line that learns waits this long for its first version, then makes some more good parts: of those that were meant
# to be learned from, faults may have spoilt a few. Shorter: needless parts; longer: a demo that seems to hang.
_HOLD_PATIENCE_S: Final = 8.0
# How often a full disk is tried again.
_NO_ROOM_RETRY_S: Final = 1.0
_CLOCK_ERROR: Final = timedelta(hours=1)
# A PLC samples by its own clock, so a sample for which this process was too busy is taken later, for its moment.
# Longer: it comes when a connector waits no more (half a second); shorter: a busy machine tears holes into windows.
_LATEST_SAMPLE_S: Final = 0.25


class PackMLState(StrEnum):
    """The states of PackML's base machine that a simple line passes through."""

    STOPPED = "Stopped"
    IDLE = "Idle"
    EXECUTE = "Execute"
    HELD = "Held"


@dataclass
class LineFigures:
    """What the control API tells about a line."""

    packml_state: PackMLState = PackMLState.STOPPED
    begun: bool = False
    product: str = ""
    parts: int = 0
    frames_delivered: int = 0
    commissioning_parts: int = 0
    commissioned: bool = False


@dataclass(frozen=True, kw_only=True)
class _Planned:
    """The next part, drawn ahead of its trigger."""

    part: ProducedPart
    commissioning: bool


class Line:
    """Makes parts until ``stop``. Runs in one event loop; drawing, truth and files go through ``executor``."""

    def __init__(
        self,
        *,
        line: str,
        rate_hz: float,
        source: PartSource,
        cameras: Mapping[str, Camera],
        plc: Plc,
        truth: TruthLedger,
        dice: FaultDice,
        late_s: float,
        executor: Executor,
        metrics: PlantMetrics,
    ) -> None:
        self.line = line
        self.dice = dice
        self.plc = plc
        self.cameras = cameras
        self.figures = LineFigures(
            commissioning_parts=source.commissioning_parts, commissioned=source.commissioning_parts == 0
        )
        self._rate_hz = rate_hz
        self._source = source
        self._truth = truth
        self._late_s = late_s
        self._executor = executor
        self._metrics = metrics
        self._playback = SensorPlayback(
            rate_hz=rate_hz, idle=source.part(0, commissioning=True, product_index=0).sensors
        )
        self._begun = asyncio.Event()
        self._stopping = asyncio.Event()
        self._resumed = asyncio.Event()
        self._made = {True: 0, False: 0}  # parts of the present product, by commissioning
        self._product_index = 0
        self._held_back: list[tuple[Camera, Delivery]] = []
        self._log = structlog.get_logger("plant.line", line=line)

    def begin(self) -> None:
        """Begin to make parts."""
        self.figures.begun = True
        self._begun.set()

    def resume(self, product: str) -> bool:
        """End the commissioning of ``product``: it has been learned. False if the line makes another one now."""
        if product != self.figures.product:
            return False
        self.figures.commissioned = True
        self._resumed.set()
        return True

    def set_defect_rate(self, rate: float) -> None:
        """Draw this share of the next parts defective. ValueError if the line shows given images."""
        if not isinstance(self._source, DrawsDefects):
            raise ValueError(f"{self.line} shows given images; only drawn parts have a rate of defects")
        self._source.defect_rate = rate

    def stop(self) -> None:
        """Make no further part."""
        self._stopping.set()
        self._begun.set()
        self._resumed.set()

    async def run(self) -> None:
        """Wait for ``begin``, make parts until ``stop`` is called, then deliver what was held back."""
        loop = asyncio.get_running_loop()
        sensors = asyncio.create_task(self._play_sensors())
        passing_on = asyncio.create_task(self.plc.run())
        self._state(PackMLState.IDLE)
        try:
            await self._begun.wait()
            next_s = loop.time() + 1 / self._rate_hz
            # Sensors move with a part from the begin of its window on, so it is planned before that, or comes later.
            lead_s = window_half_s(self._rate_hz)
            while not self._stopping.is_set():
                await self._hold_while_learning()
                planned = await loop.run_in_executor(self._executor, self._draw)
                next_s = max(next_s, loop.time() + lead_s)
                self._playback.plan(next_s, planned.part.sensors)
                if await self._stopped_before(next_s):
                    break
                await self._trigger(planned, triggered_at=_moment(next_s))
                next_s += 1 / self._rate_hz
            await self._deliver(self._take_held_back())
            self._state(PackMLState.STOPPED)
            # The last part's window ends after its trigger: let the sensors go on until it has passed.
            await asyncio.sleep(min(1.0, 1 / self._rate_hz))
            await self.plc.drain()
        finally:
            for task in (sensors, passing_on):
                task.cancel()
            await asyncio.gather(sensors, passing_on, return_exceptions=True)

    def _draw(self) -> _Planned:
        commissioning = not self.figures.commissioned and self._made[True] < self.figures.commissioning_parts
        index = self._made[commissioning]
        part = self._source.part(index, commissioning=commissioning, product_index=self._product_index)
        self.figures.product = part.product
        return _Planned(part=part, commissioning=commissioning)

    async def _hold_while_learning(self) -> None:
        while not self.figures.commissioned and self._made[True] >= self.figures.commissioning_parts:
            self._state(PackMLState.HELD)
            try:
                await asyncio.wait_for(self._resumed.wait(), _HOLD_PATIENCE_S)
            except TimeoutError:
                self.figures.commissioning_parts += max(2, self._source.commissioning_parts // 4)
            if self._stopping.is_set():
                return

    async def _stopped_before(self, moment_s: float) -> bool:
        try:
            await asyncio.wait_for(self._stopping.wait(), moment_s - asyncio.get_running_loop().time())
        except TimeoutError:
            return False
        return True

    def _state(self, state: PackMLState, *, since: datetime | None = None) -> None:
        if state is not self.figures.packml_state:
            self.figures.packml_state = state
            self.plc.set([("PackMLState", state.value)], source_at=since or datetime.now(UTC))

    async def _trigger(self, planned: _Planned, *, triggered_at: datetime) -> None:
        """Make one part. Order: 1 truth, synced · 2 PLC, counter last · 3 camera files."""
        self._state(PackMLState.EXECUTE, since=triggered_at)
        faults = self.dice.roll()
        if Fault.PLC_RESTART in faults:
            self.plc.restart()
        if Fault.LATE_SENSOR in faults:
            self.plc.stall(self._late_s)
        counter = self.plc.counter = self.plc.counter + 1
        trigger = Trigger(
            part_id=f"{self.line.rsplit('.', 1)[-1]}-{counter:06d}",
            trigger_session=self.plc.session,
            triggered_at=triggered_at,
        )
        shots = [(self.cameras[shot.modality], _spoil(shot, faults)) for shot in planned.part.shots]
        captured_at = triggered_at - _CLOCK_ERROR if Fault.CLOCK_BACK in faults else triggered_at
        taken = [(camera, *camera.shoot(shot, trigger, captured_at=captured_at)) for camera, shot in shots]
        part = TruePart(
            line=self.line,
            part_id=trigger.part_id,
            trigger_session=trigger.trigger_session,
            counter=counter,
            triggered_at=triggered_at,
            product=planned.part.product,
            defect=planned.part.defect,
            defect_type=planned.part.defect_type,
            defect_modalities=planned.part.defect_modalities,
            commissioning=planned.commissioning,
            faults=tuple(sorted(faults)),
            frames=tuple(
                TrueFrame(
                    source=camera.source,
                    session=camera.session,
                    sequence=sequence,
                    modality=camera.modality,
                    file_sha256=hashlib.sha256(delivery.data).hexdigest(),
                    fault=_frame_fault(faults),
                    origin=shot.origin,
                )
                for (camera, sequence, delivery), (_, shot) in zip(taken, shots, strict=True)
            ),
        )
        if not await self._written(lambda: self._truth.append(part)):
            return  # nobody outside has seen anything of it
        self._tell_plc(part)
        await self._deliver_with_faults([(camera, delivery) for camera, _, delivery in taken], faults)
        self._count(part)
        self._made[planned.commissioning] += 1
        if Fault.PRODUCT_CHANGE in faults:
            self._change_product()

    def _tell_plc(self, part: TruePart) -> None:
        self.plc.set(
            [
                ("PartId", part.part_id),
                ("TriggerSession", part.trigger_session),
                ("Product", part.product),
                ("Job", f"job-{part.product}"),
                ("Recipe", f"recipe-{part.product}"),
                ("PartCounter", part.counter),
            ],
            source_at=part.triggered_at,
        )

    async def _deliver_with_faults(self, frames: list[tuple[Camera, Delivery]], faults: frozenset[Fault]) -> None:
        waiting = self._take_held_back()
        if Fault.CAMERA_DROPS in faults:
            frames = []
        if Fault.OUT_OF_ORDER in faults:
            self._held_back = frames
            frames = []
        await self._deliver(frames)
        if Fault.DUPLICATE in faults:
            await self._deliver(frames, suffix="-again")
        await self._deliver(waiting)

    def _take_held_back(self) -> list[tuple[Camera, Delivery]]:
        waiting, self._held_back = self._held_back, []
        return waiting

    async def _deliver(self, frames: list[tuple[Camera, Delivery]], *, suffix: str = "") -> None:
        for camera, delivery in frames:
            if await self._written(lambda c=camera, d=delivery: d.write(c.folder, suffix=suffix)):  # type: ignore[misc]
                self.figures.frames_delivered += not suffix

    async def _written(self, write: Callable[[], None]) -> bool:
        """Write in the executor. A full disk holds the line until there is room; False if it was stopped meanwhile."""
        loop = asyncio.get_running_loop()
        is_told = False
        while True:
            try:
                await loop.run_in_executor(self._executor, write)
                return True
            except OSError as error:
                if not is_no_room(error):
                    raise
                if not is_told:
                    is_told = True
                    self._log.error("no_room", reason=str(error))
            if await self._stopped_before(loop.time() + _NO_ROOM_RETRY_S):
                self._log.error("not_written", reason="stopped while the disk is full")
                return False

    def _count(self, part: TruePart) -> None:
        self.figures.parts += 1
        defect = {True: "yes", False: "no", None: "not known"}[part.defect]
        self._metrics.parts.labels(line=self.line, defect=defect).inc()
        for fault in part.faults:
            self._metrics.faults.labels(line=self.line, fault=fault).inc()

    def _change_product(self) -> None:
        """Go on with another product, which the line has to learn first."""
        self._product_index += 1
        self.figures.product = ""
        self._made = {True: 0, False: 0}
        self.figures.commissioning_parts = self._source.commissioning_parts
        self.figures.commissioned = self._source.commissioning_parts == 0
        self._resumed.clear()

    async def _play_sensors(self) -> None:
        loop = asyncio.get_running_loop()
        period_s = 1 / sample_hz(self._rate_hz)
        at_s = loop.time()
        while True:
            self.plc.set(list(self._playback.values(at_s).items()), source_at=_moment(at_s))
            at_s = max(at_s + period_s, loop.time() - _LATEST_SAMPLE_S)
            await asyncio.sleep(max(0.0, at_s - loop.time()))


def _moment(at_s: float) -> datetime:
    """The event loop's ``at_s`` by the PLC's clock, which triggers and samples share however busy this process is."""
    return datetime.now(UTC) + timedelta(seconds=at_s - asyncio.get_running_loop().time())


def _spoil(shot: Shot, faults: frozenset[Fault]) -> Shot:
    if Fault.EMPTY_IMAGE in faults:
        return replace(shot, data=b"")
    if Fault.CORRUPT_IMAGE in faults:
        return replace(shot, data=shot.data[: len(shot.data) // 2])
    return shot


def _frame_fault(faults: frozenset[Fault]) -> str | None:
    """The fault that a reader of the frame meets; the part's own list names all."""
    for fault, name in (
        (Fault.CAMERA_DROPS, "dropped"),
        (Fault.EMPTY_IMAGE, "empty"),
        (Fault.CORRUPT_IMAGE, "corrupt"),
        (Fault.DUPLICATE, "duplicate"),
        (Fault.OUT_OF_ORDER, "out_of_order"),
        (Fault.CLOCK_BACK, "clock_back"),
    ):
        if fault in faults:
            return name
    return None
