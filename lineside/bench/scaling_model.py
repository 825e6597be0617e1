"""How many workers many lines need: a simulation on the figures that ``lineside bench scaling`` measured.

What it assumes, and nothing else:

- a line makes parts at a constant rate, each line with a phase of its own; one result per part;
- a line's partition is murmur2 of its id; partitions are dealt to workers in turn (Kafka's RoundRobin assignor);
- a worker judges one part after the other in the order of arrival, each in the same time, 1 / (parts per second that
  one worker was measured to do): batches, larger pictures and a line's first part are not in it;
- broker, object store and database are not the bottleneck, and no worker dies or joins.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.bench.partitioning import partition_of

# Five minutes show every queue that grows; ten lines a second over it are three thousand parts.
_SIMULATED_S: Final = 300.0
# A queue that starts empty says nothing about its usual length.
_WARM_UP: Final = 0.2
_SEED: Final = 7


@dataclass(frozen=True, kw_only=True)
class FleetForecast:
    """What a number of workers would do.

    ``busiest``: share of time that the busiest worker works, above 1 its queue grows for ever. ``median_s`` and
    ``p99_s``: arrival to verdict, over all parts.
    """

    lines: int
    partitions: int
    workers: int
    parts_per_s: float
    busiest: float
    median_s: float
    p99_s: float


def forecast(*, lines: int, partitions: int, workers: int, rate_hz: float, worker_parts_per_s: float) -> FleetForecast:
    """Simulate ``lines`` of ``rate_hz`` parts per second each on ``workers``, at most one per partition."""
    rng = np.random.default_rng(_SEED)
    service_s = 1.0 / worker_parts_per_s
    homes = _partitions_of(lines, partitions) % workers
    phases = rng.uniform(0, 1 / rate_hz, lines)
    ticks = np.arange(int(_SIMULATED_S * rate_hz)) / rate_hz
    sojourns = [
        _sojourns(np.sort((phases[homes == worker][:, None] + ticks).ravel()), service_s)
        for worker in range(workers)
        if (homes == worker).any()
    ]
    times = np.concatenate(sojourns)
    most = int(np.bincount(homes, minlength=workers).max())
    return FleetForecast(
        lines=lines,
        partitions=partitions,
        workers=workers,
        parts_per_s=lines * rate_hz,
        busiest=most * rate_hz * service_s,
        median_s=float(np.median(times)),
        p99_s=float(np.quantile(times, 0.99)),
    )


def least_workers(
    *, lines: int, partitions: int, rate_hz: float, worker_parts_per_s: float, p99_s: float
) -> FleetForecast | None:
    """The forecast with the fewest workers whose p99 is within ``p99_s``; None if one per partition is too few."""
    fewest = max(1, int(np.ceil(lines * rate_hz / worker_parts_per_s)))
    homes = _partitions_of(lines, partitions)
    for workers in range(fewest, partitions + 1):
        if int(np.bincount(homes % workers).max()) * rate_hz >= worker_parts_per_s:
            continue  # a queue that grows for ever need not be simulated
        found = forecast(
            lines=lines, partitions=partitions, workers=workers, rate_hz=rate_hz, worker_parts_per_s=worker_parts_per_s
        )
        if found.p99_s <= p99_s:
            return found
    return None


def forecasts(
    counts: Sequence[int], *, partitions: int, rate_hz: float, worker_parts_per_s: float, p99_s: float = 1.0
) -> list[FleetForecast | None]:
    """``least_workers`` for each number of lines."""
    return [
        least_workers(
            lines=lines, partitions=partitions, rate_hz=rate_hz, worker_parts_per_s=worker_parts_per_s, p99_s=p99_s
        )
        for lines in counts
    ]


def _partitions_of(lines: int, partitions: int) -> NDArray[np.int64]:
    """The partition of each line; fifty lines a hall."""
    names = (f"plant1.hall{number // 50 + 1}.line{number + 1}" for number in range(lines))
    return np.array([partition_of(name, partitions) for name in names], np.int64)


def _sojourns(arrivals: NDArray[np.float64], service_s: float) -> NDArray[np.float64]:
    """Arrival to end of service of each part after the warm-up: one server, first come first served."""
    # The end of part k is max over j <= k of (arrival j + (k - j + 1) * service): a running maximum.
    place = np.arange(len(arrivals)) * service_s
    ends: NDArray[np.float64] = np.maximum.accumulate(arrivals - place) + place + service_s
    sojourns: NDArray[np.float64] = ends - arrivals
    return sojourns[int(len(arrivals) * _WARM_UP) :]
