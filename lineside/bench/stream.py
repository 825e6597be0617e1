"""One run of the stream's benchmarks."""

import contextlib
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from lineside.bench.bench_topics import claimed_broker
from lineside.bench.comparison import Comparison
from lineside.bench.inspection import bench_inspect
from lineside.bench.memory import bench_memory
from lineside.bench.publish import bench_publish
from lineside.bench.report import BenchReport, Machine
from lineside.bench.settings import Bench, BenchSettings
from lineside.bench.store import bench_store
from wire.kafka.settings import KafkaSettings

_MEMORY_NEEDS = "needs --broker HOST:PORT: the embedded broker keeps 5 MiB per partition, no backlog of this size"


def run(settings: BenchSettings, tell: Callable[[str], None]) -> BenchReport:
    """Run what is asked for, one after the other. ``tell`` is told what is being measured.

    ConfigurationError if broker or database are not the benchmarks' own.
    """
    machine = Machine.this_one()
    started_at = datetime.now(UTC)
    broker, scale = settings.broker, settings.scale
    skipped: dict[str, str] = {}
    found: list[Comparison] = []
    with contextlib.ExitStack() as opened:
        root = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="lineside-bench-")))
        if broker is not None:
            opened.enter_context(claimed_broker(KafkaSettings(bootstrap=broker)))
        benches: Mapping[Bench, Callable[[Path], list[Comparison]]] = {
            Bench.PUBLISH: lambda folder: bench_publish(folder, broker, scale),
            Bench.INSPECT: lambda folder: bench_inspect(folder, broker, scale),
            Bench.STORE: lambda folder: bench_store(folder, settings.database, scale),
            Bench.MEMORY: lambda folder: [] if broker is None else bench_memory(folder, broker, scale),
        }
        for bench in settings.benches:
            if bench is Bench.MEMORY and broker is None:
                skipped[bench.value] = _MEMORY_NEEDS
                continue
            tell(f"measuring: {bench.value}")
            folder = root / bench.value
            folder.mkdir()
            found += benches[bench](folder)
    return BenchReport(
        started_at=started_at,
        machine=machine,
        broker=broker or "embedded",
        comparisons=tuple(found),
        skipped=skipped,
    )
