"""How fast a worker inspects end to end, against its detector alone on the same batches, on the same core."""

import time
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np

from lineside.bench.backlog import send_backlog
from lineside.bench.comparison import Comparison, Direction
from lineside.bench.cores import detector_core, off_the_detector_core, run_on_core
from lineside.bench.inspect_broker import Finished, inspect_broker, result_moments
from lineside.bench.inspect_site import InspectSite
from lineside.bench.interleaving import interleave
from lineside.bench.known_lines import RECIPE, KnownLine, learn_lines
from lineside.bench.settings import Scale
from lineside.bench.worker_process import InspectWorker, wait_for
from models.recipes.loader import load_inspector
from wire.errors import MustStop
from wire.inspector import Inspector

AIM: Final = 0.9

# About a part's crop of an area camera after binning; what the virtual plant draws, too.
_SIDE_PX: Final = 256
_BATCH: Final = 8
# The first share of the parts is not counted: states are read and caches filled.
_WARM_UP: Final = 0.25
_DEADLINE_S: Final = 600.0


def bench_inspect(folder: Path, broker: str | None, scale: Scale) -> list[Comparison]:
    """Measure parts per second; ``folder`` gets database and objects; ``broker`` None: embedded."""
    inspector = load_inspector(RECIPE, threads=1)
    rig = _Rig(folder, broker, inspector, learn_lines(inspector, side_px=_SIDE_PX), scale.inspect_parts)
    try:
        product, baseline = interleave(rig.through_the_worker, rig.detector_alone, scale.repetitions)
    finally:
        rig.close()
    return [
        Comparison(
            name="inspect",
            unit="parts/s",
            product_side="worker --roles inspect",
            baseline_side="detector alone",
            product=product,
            baseline=baseline,
            aim=AIM,
            direction=Direction.AT_LEAST,
            note=f"backlog of {scale.inspect_parts} parts of {_SIDE_PX} x {_SIDE_PX} px; " + rig.explanation(),
        )
    ]


class _Rig:
    """Both sides; each call of ``through_the_worker`` and ``detector_alone`` is one measurement."""

    def __init__(
        self, folder: Path, broker: str | None, inspector: Inspector, lines: Sequence[KnownLine], parts: int
    ) -> None:
        self._folder = folder
        self._broker = broker
        self._inspector = inspector
        self._lines = lines
        self._parts = parts
        self._core = detector_core()
        self._site = InspectSite(folder, lines)
        self._model_rates: list[float] = []
        self._batch_sizes: list[float] = []

    def through_the_worker(self) -> float:
        """Results per second while a worker works off a backlog."""
        with off_the_detector_core(), inspect_broker(self._broker) as broker:
            session = send_backlog(self._site, broker, self._parts)
            settings: dict[str, Any] = {
                **self._site.worker_settings(broker),
                "inspect": {"max_batch": _BATCH, "model_threads": 1, "model_cpu": self._core},
            }
            with closing(Finished(broker)) as finished, InspectWorker(self._folder, settings) as worker:
                wait_for(finished, worker, _DEADLINE_S)
                seconds = worker.metric("inspect_inference_seconds_sum")
                self._model_rates.append(self._parts / seconds)
                self._batch_sizes.append(self._parts / worker.metric("inspect_inference_seconds_count"))
            return _steady_rate(result_moments(broker, session), self._parts)

    def detector_alone(self) -> float:
        """Parts per second of the detector with nothing around it."""
        batches = [
            [self._lines[number % len(self._lines)] for number in range(at, min(at + _BATCH, self._parts))]
            for at in range(0, self._parts, _BATCH)
        ]
        parts = [line.part(place) for place, line in enumerate(line for batch in batches for line in batch)]
        states = [line.state for batch in batches for line in batch]
        warm_up = int(len(batches) * _WARM_UP) * _BATCH

        def measure() -> float:
            begun = time.perf_counter()
            for at in range(0, len(parts), _BATCH):
                if at == warm_up:
                    begun = time.perf_counter()
                self._inspector.inspect(parts[at : at + _BATCH], states[at : at + _BATCH])
            return (len(parts) - warm_up) / (time.perf_counter() - begun)

        return run_on_core(self._core, measure)

    def explanation(self) -> str:
        """Where the worker's time went: how fast its detector was while it ran, and how full its batches were."""
        return (
            f"in the worker the detector made {median(self._model_rates):.1f} parts/s "
            f"in batches of {median(self._batch_sizes):.1f}"
        )

    def close(self) -> None:
        """Let go of the object store."""
        self._site.close()


def _steady_rate(moments: Sequence[datetime], parts: int) -> float:
    """Results per second after the warm-up: the slope of count over time, since results come in bursts."""
    if len(moments) != parts:
        raise MustStop(f"{len(moments)} results for {parts} parts")
    counted = moments[int(parts * _WARM_UP) :]
    seconds = [(moment - counted[0]).total_seconds() for moment in counted]
    return float(np.polyfit(seconds, np.arange(len(seconds)), 1)[0])
