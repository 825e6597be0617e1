"""How many frames of a GigE or USB3 Vision camera reach Kafka, against the frames that Aravis alone receives."""

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Final

from connectors.capture_loop import CaptureLoop
from connectors.captured import Captured
from connectors.errors import SourceUnavailable
from connectors.genicam.aravis_device import AravisDevice
from connectors.genicam.aravis_library import AravisLibrary
from connectors.genicam.genicam_camera import GenicamCamera
from connectors.genicam.settings import GenicamSource, Region
from connectors.metrics import ConnectorMetrics, new_registry
from connectors.publisher import Publisher
from connectors.source_ledger import SourceLedgers
from connectors.spool import Spool, SpoolPolicy
from lineside.bench import bench_topics
from lineside.bench.bench_sender import BenchSender
from lineside.bench.comparison import Comparison, Direction
from lineside.bench.interleaving import interleave
from lineside.bench.steady_memory import SteadyMemory, steady_memory
from storage.objects import open_payload_store
from wire.errors import ConfigurationError, MustStop
from wire.kafka.embedded import EmbeddedBroker
from wire.kafka.settings import KafkaSettings

AIM: Final = 0.95

_LINE: Final = "bench.hall1.line1"
_SIDE_PX: Final = 1024
_FAKE_CAMERA: Final = "arv-fake-gv-camera-0.8"
_FAKE_ADDRESS: Final = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class CameraScale:
    """How long is measured."""

    repetitions: int
    seconds: float
    memory_s: float


FULL: Final = CameraScale(repetitions=7, seconds=10.0, memory_s=300.0)
QUICK: Final = CameraScale(repetitions=3, seconds=2.0, memory_s=10.0)


@contextmanager
def fake_camera() -> Iterator[str]:
    """Aravis' own GigE Vision camera on loopback; its address. ConfigurationError if it is not installed."""
    if which(_FAKE_CAMERA) is None:
        raise ConfigurationError([f"{_FAKE_CAMERA}: not found; install Debian's aravis-tools, or name a --camera"])
    process = subprocess.Popen(
        [_FAKE_CAMERA, "-i", _FAKE_ADDRESS], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )  # fmt: skip
    try:
        yield _FAKE_ADDRESS
    finally:
        process.kill()
        process.wait()


def bench_camera(folder: Path, camera: str, rate_fps: float, scale: CameraScale) -> list[Comparison]:
    """Measure at ``rate_fps`` and 1024 x 1024 px, Mono8 as JPEG. MustStop if the camera cannot be used."""
    settings = GenicamSource(
        source=f"{_LINE}/camera1",
        camera=camera,
        rate_fps=rate_fps,
        pixel_format="Mono8",
        region=Region(width=_SIDE_PX, height=_SIDE_PX),
    )
    with EmbeddedBroker([bench_topics.PUBLISH], 1) as broker:
        rig = _Rig(folder, settings, KafkaSettings(bootstrap=broker.bootstrap))
        product, baseline = interleave(
            lambda: rig.publish(scale.seconds), lambda: _receive(settings, scale.seconds), scale.repetitions
        )
        memory = rig.memory(scale.memory_s)
    size = f"{_SIDE_PX} x {_SIDE_PX} px at {rate_fps:g} per second"
    return [
        Comparison(
            name="camera, frames",
            unit="frames/s",
            product_side="connector: numbered, JPEG, acknowledged by Kafka",
            baseline_side="Aravis alone, buffers given back",
            product=product,
            baseline=baseline,
            aim=AIM,
            direction=Direction.AT_LEAST,
            note=size,
        ),
        memory.comparison("camera, memory", "connector", size),
    ]


def _receive(settings: GenicamSource, seconds: float) -> float:
    """Frames per second that arrive whole, from the first one on."""
    try:
        device = AravisDevice(AravisLibrary(), settings)
    except SourceUnavailable as error:
        raise MustStop(str(error)) from error
    try:
        clock = _Clock(seconds)
        while not clock.is_over():
            delivered = device.pop(0.2)
            if delivered is not None:
                device.give_back(delivered)
                if delivered.picture is not None:
                    clock.count()
        return clock.per_second()
    finally:
        device.close()


class _Clock:
    """Counts events per second from the first one on; MustStop if none comes at all."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._give_up_at = time.perf_counter() + seconds + 10.0
        self._times: list[float] = []

    def count(self) -> None:
        self._times.append(time.perf_counter())

    def is_over(self) -> bool:
        now = time.perf_counter()
        if not self._times and now > self._give_up_at:
            raise MustStop("the camera sends no frames")
        return bool(self._times) and now - self._times[0] > self._seconds

    def per_second(self) -> float:
        return sum(one - self._times[0] <= self._seconds for one in self._times) / self._seconds


class _Rig:
    """The connector's own parts in this process; each call of ``publish`` is one measurement."""

    def __init__(self, folder: Path, settings: GenicamSource, broker: KafkaSettings) -> None:
        self._folder = folder
        self._settings = settings
        self._broker = broker

    def publish(self, seconds: float) -> float:
        """Frames per second that Kafka has acknowledged, from the first one on."""
        clock = _Clock(seconds)
        with self._running(clock):
            while not clock.is_over():
                time.sleep(0.05)
        return clock.per_second()

    def memory(self, seconds: float) -> SteadyMemory:
        """This process's, the connector running."""
        with self._running(_Clock(seconds)):
            return steady_memory(seconds)

    @contextmanager
    def _running(self, clock: _Clock) -> Iterator[None]:
        metrics, ledgers, stop = ConnectorMetrics(new_registry()), SourceLedgers(), threading.Event()
        payloads = open_payload_store((self._folder / "objects").as_uri())
        sender = BenchSender(self._broker, "bench-camera")
        spool = Spool(self._folder / "spool", max_bytes=1024**3)
        publisher = Publisher(
            sender=sender,
            payloads=payloads,
            spool=spool,
            ledgers=ledgers,
            metrics=metrics,
            inline_limit_bytes=self._broker.inline_limit_bytes,
            policy=SpoolPolicy.EVERY_FRAME,
        )
        camera = GenicamCamera(self._settings, line=_LINE, ledgers=ledgers, metrics=metrics)
        loop = CaptureLoop(camera)

        def submit(captured: Captured) -> None:
            publisher.submit(Captured(origin=captured.origin, event=captured.event, done=clock.count))

        thread = threading.Thread(target=loop.run, args=(submit, stop), name="bench-camera")
        publisher.start()
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            publisher.close(5.0)
            sender.close(5.0)
            spool.close()
            payloads.close()
