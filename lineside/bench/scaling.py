"""Several worker processes on one real Kafka: throughput by their number, and how long a join and a leave take."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from lineside.bench.backlog import send_backlog
from lineside.bench.bench_topics import claimed_broker
from lineside.bench.inspect_broker import Finished, result_moments
from lineside.bench.inspect_site import InspectSite
from lineside.bench.known_lines import RECIPE, KnownLine, learn_lines
from lineside.bench.worker_process import InspectWorker, wait_for
from models.recipes.loader import load_inspector
from wire.errors import MustStop
from wire.kafka.settings import KafkaSettings
from wire.kafka.topics_admin import ensure_topics

_SIDE_PX: Final = 256
_WARM_UP: Final = 0.25
_CPU: Final = "process_cpu_seconds_total"
_DEADLINE_S: Final = 1200.0
_LOOK_EVERY_S: Final = 0.05
# Until the newcomer has worked for a while, so that what its join did to the flow of results can be seen.
_SETTLED_S: Final = 5.0


class Throughput(BaseModel):
    """Results per second of a number of workers, each on a core of its own as far as there are cores.

    ``parts_per_core_s``: parts per second of CPU that the workers spent, all their threads together. Other programs on
    the machine take wall time away, not this.
    """

    model_config = ConfigDict(frozen=True)

    workers: int
    parts_per_s: float
    parts_per_core_s: float
    lines_per_worker: float
    partitions: tuple[int, ...]


class Rebalance(BaseModel):
    """What a change of the group's members cost. Seconds.

    ``reassigned_s``: start of the process (join) or SIGTERM (leave) until every partition was read again; ``pause_s``:
    the longest time without any result around it; ``usual_pause_s``: the same while nothing changed.
    """

    model_config = ConfigDict(frozen=True)

    change: str
    reassigned_s: float
    pause_s: float
    usual_pause_s: float


class ScalingFigures(BaseModel):
    """Everything that was measured."""

    model_config = ConfigDict(frozen=True)

    lines: int
    partitions: int
    parts: int
    cores: int
    load_average: float
    throughputs: tuple[Throughput, ...]
    rebalances: tuple[Rebalance, ...]
    repeated_results: int


def bench_scaling(
    folder: Path,
    broker: KafkaSettings,
    *,
    lines: int,
    partitions: int,
    parts: int,
    workers: Sequence[int],
    line_rate_hz: float,
    tell: Callable[[str], None],
) -> ScalingFigures:
    """Work off the same backlog with each number of workers, then let one join and leave.

    MustStop if a part has no result.
    """
    rig = _Rig(folder, broker, lines=lines, partitions=partitions, parts=parts)
    try:
        throughputs = []
        for count in workers:
            tell(f"{count} worker(s), {parts} parts of {lines} lines on {partitions} partitions")
            throughputs.append(rig.throughput(count, line_rate_hz))
        tell("a worker joins, and leaves again")
        rebalances, repeated = rig.rebalances()
    finally:
        rig.close()
    return ScalingFigures(
        lines=lines,
        partitions=partitions,
        parts=parts,
        cores=len(os.sched_getaffinity(0)),
        load_average=os.getloadavg()[1],
        throughputs=tuple(throughputs),
        rebalances=tuple(rebalances),
        repeated_results=repeated,
    )


class _Rig:
    """Site and broker; each measurement begins with empty topics."""

    def __init__(self, folder: Path, broker: KafkaSettings, *, lines: int, partitions: int, parts: int) -> None:
        self._folder = folder
        self._broker = broker
        self._partitions = partitions
        self._parts = parts
        inspector = load_inspector(RECIPE, threads=1)
        self._site = InspectSite(folder, many_lines(learn_lines(inspector, side_px=_SIDE_PX), lines))

    def throughput(self, workers: int, line_rate_hz: float) -> Throughput:
        """Results per second while ``workers`` work off a backlog."""
        with self._backlog() as session, ExitStack() as stack:
            members = [stack.enter_context(self._worker(number)) for number in range(workers)]
            finished = stack.enter_context(closing(Finished(self._broker)))
            shares: tuple[int, ...] = ()
            effort: list[tuple[float, float]] = []

            def done() -> bool:
                nonlocal shares
                now = tuple(map(_assigned_partitions, members))
                shares = now if sum(now) == self._partitions else shares
                if all(now):
                    effort.append((_sum(members, "inspect_model_parts_total"), _sum(members, _CPU)))
                return finished()

            wait_for(done, members[0], _DEADLINE_S)
            rate = _steady_rate(result_moments(self._broker, session), self._parts)
        per_core = _parts_per_core_s(effort, self._parts)
        return Throughput(
            workers=workers,
            parts_per_s=rate,
            parts_per_core_s=per_core,
            lines_per_worker=per_core / line_rate_hz,
            partitions=shares,
        )

    def rebalances(self) -> tuple[list[Rebalance], int]:
        """A second worker joins while the first one works, and leaves; how many results came twice."""
        with self._backlog() as session, ExitStack() as stack:
            first = stack.enter_context(self._worker(0))
            self._wait_until_all_are_read_by([first])
            time.sleep(_SETTLED_S)
            joining = time.time()
            second = stack.enter_context(self._worker(1))
            self._wait_until_all_are_read_by([first, second])
            joined = time.time()
            time.sleep(_SETTLED_S)
            leaving = time.time()
            second.stop()
            self._wait_until_all_are_read_by([first])
            left = time.time()
            finished = stack.enter_context(closing(Finished(self._broker)))
            wait_for(finished, first, _DEADLINE_S)
            moments = result_moments(self._broker, session)
        if len(moments) < self._parts:
            raise MustStop(f"{len(moments)} results for {self._parts} parts")
        seconds = [moment.timestamp() for moment in moments]
        usual = _longest_pause(seconds, joining - _SETTLED_S, joining)
        return [
            Rebalance(
                change=change,
                reassigned_s=until - since,
                pause_s=_longest_pause(seconds, since, until + _SETTLED_S),
                usual_pause_s=usual,
            )
            for change, since, until in (("join", joining, joined), ("leave", leaving, left))
        ], len(moments) - self._parts

    def close(self) -> None:
        """Let go of the object store."""
        self._site.close()

    @contextmanager
    def _backlog(self) -> Iterator[str]:
        with claimed_broker(self._broker):
            ensure_topics(self._broker, self._partitions)
            yield send_backlog(self._site, self._broker, self._parts)

    def _worker(self, number: int) -> InspectWorker:
        """A worker on one core of its own, as far as there are cores."""
        folder = self._folder / f"worker{number}"
        folder.mkdir(exist_ok=True)
        settings: dict[str, Any] = {
            **self._site.worker_settings(self._broker),
            "name": f"bench-inspect-{number}",
            "inspect": {"model_threads": 1},
        }
        cores = sorted(os.sched_getaffinity(0))
        try:
            os.sched_setaffinity(0, {cores[number % len(cores)]})
            return InspectWorker(folder, settings)
        finally:
            os.sched_setaffinity(0, cores)

    def _wait_until_all_are_read_by(self, workers: Sequence[InspectWorker]) -> None:
        """Every partition is assigned, and each of ``workers`` has some."""

        def all_read() -> bool:
            shares = list(map(_assigned_partitions, workers))
            return all(shares) and sum(shares) == self._partitions

        deadline = time.monotonic() + _DEADLINE_S
        while not all_read():
            for worker in workers:
                worker.ensure_running()
            if time.monotonic() > deadline:
                raise MustStop(f"the partitions were not dealt within {_DEADLINE_S:g} s")
            time.sleep(_LOOK_EVERY_S)


def _sum(workers: Sequence[InspectWorker], name: str) -> float:
    return sum(worker.metric(name) for worker in workers)


def _parts_per_core_s(effort: Sequence[tuple[float, float]], parts: int) -> float:
    """From (parts, CPU seconds) as time went on; the start of the interpreters is left out."""
    steady = [sample for sample in effort if sample[0] >= parts * _WARM_UP]
    if len(steady) < 2 or steady[-1][1] == steady[0][1]:
        raise MustStop("the backlog was done before anything could be measured: more --parts")
    return (steady[-1][0] - steady[0][0]) / (steady[-1][1] - steady[0][1])


def _assigned_partitions(worker: InspectWorker) -> int:
    """How many partitions a worker reads; 0 while it does not listen yet."""
    try:
        return int(worker.metric("worker_assigned_partitions"))
    except OSError:
        return 0


def many_lines(known: Sequence[KnownLine], count: int) -> list[KnownLine]:
    """``count`` lines that look like the known ones, under ids of their own."""
    found = []
    for number in range(count):
        line = known[number % len(known)]
        name = f"bench.hall1.line{number + 1}"
        metadata = line.state.metadata.model_copy(update={"line": name})
        found.append(
            replace(
                line,
                spec=line.spec.model_copy(update={"line": name}),
                state=replace(line.state, metadata=metadata),
            )
        )
    return found


def _steady_rate(moments: Sequence[datetime], parts: int) -> float:
    """Results per second after the warm-up. A rebalance between the workers' starts may repeat some."""
    if len(moments) < parts:
        raise MustStop(f"{len(moments)} results for {parts} parts")
    counted = moments[int(len(moments) * _WARM_UP) :]
    seconds = [(moment - counted[0]).total_seconds() for moment in counted]
    return float(np.polyfit(seconds, np.arange(len(seconds)), 1)[0])


def _longest_pause(seconds: Sequence[float], since: float, until: float) -> float:
    inside = [since, *(moment for moment in seconds if since < moment < until), until]
    return max(after - before for before, after in pairwise(inside))
