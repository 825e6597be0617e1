"""Keeps a publisher from outrunning its readers on the embedded broker, which silently drops what they did not read."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from wire import topics
from wire.errors import BrokerUnavailable
from wire.kafka.embedded import RETAINED_BYTES
from wire.kafka.lag import LagReader, PartitionLag
from wire.kafka.settings import KafkaSettings

_log = logging.getLogger(__name__)

Settle = Callable[[], None]

# Of the 5 MiB that a partition keeps. Larger: several processes that publish between two looks overrun it. Smaller: a
# reader that commits every half second stops its publisher in normal operation.
LAG_LIMIT_BYTES: Final = 2 * 1024 * 1024
# Heartbeats pass beyond that: they tell inspect that frames wait, so parts must not run out of time without them. A few
# hundred bytes a second and source; larger would leave less of the 5 MiB for what several processes have under way.
LAG_LIMIT_HEARTBEATS_BYTES: Final = 3 * 1024 * 1024
# What one process may publish between two looks. Larger: six processes at once fill what is left above the limit.
# Smaller: publishing is slowed to this many bytes per look.
ALLOWANCE_BYTES: Final = 512 * 1024
# Headers, key and framing of one record; also what makes a million empty messages count.
_OVERHEAD_BYTES: Final = 1024

_LOOK_EVERY_S: Final = 1.0
_LOOK_WHEN_BLOCKED_S: Final = 0.05
# Without a look for this long the lag is unknown, and unknown means stop.
_STALE_S: Final = 5.0
_STALE_RETRY_S: Final = 1.0
_LAGGING_RETRY_S: Final = 0.25
# The embedded broker is on this machine; closing the guard waits for a look that is under way.
_TIMEOUT_S: Final = 1.0
# Weight of the newest message in the mean size: about the last 64 messages decide.
_SIZE_WEIGHT: Final = 1 / 64


@dataclass
class _Topic:
    """What this process sent, and what the last look saw. Bytes are totals since the start."""

    groups: tuple[str, ...]
    sent_bytes: int = 0
    settled_bytes: int = 0
    seen_bytes: int = 0  # settled_bytes just before the last look: certainly contained in what it saw
    mean_bytes: float = 0.0
    lag_bytes: float = 0.0
    laggard: str = ""
    looked_at_s: float = field(default_factory=time.monotonic)


class LagGuard:
    """Counts what this process sends and looks, in a thread of its own, how far the readers' groups have come.

    It refuses when the slowest group, plus everything sent since the last look, exceeds ``LAG_LIMIT_BYTES`` in one
    partition, and when it could not look for 5 s. Bytes are estimated: lag in messages times the mean size of this
    process's own or, if more, the unread share of the kept 5 MiB once the broker has dropped something (that counts
    what others wrote, too). Thread-safe.
    """

    def __init__(self, settings: KafkaSettings, readers: Mapping[str, tuple[str, ...]] = topics.READERS) -> None:
        self._reader = LagReader(settings, timeout_s=_TIMEOUT_S)
        self._readers = readers
        self._lock = threading.Lock()
        self._topics: dict[str, _Topic] = {}
        self._unread_bytes: dict[str, int] = {}  # of topics that no group reads
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="kafka-lag-guard", daemon=True)
        self._thread.start()

    def admit(self, topic: str, size: int, *, heartbeat: bool = False) -> Settle | None:
        """Let ``size`` bytes pass, or raise BrokerUnavailable. Call the answer once the broker has them or never will.

        A ``heartbeat`` passes longer than anything else. None for a topic that no group reads (dead letters): nobody
        would ever make room there, so the oldest go, and the log says from when on.
        """
        groups = self._readers.get(topic)
        size += _OVERHEAD_BYTES
        with self._lock:
            if not groups:
                self._count_unread(topic, size)
                return None
            state = self._topics.get(topic)
            if state is None:
                state = self._topics[topic] = _Topic(groups)
                self._wake.set()
            self._check(topic, state, size, LAG_LIMIT_HEARTBEATS_BYTES if heartbeat else LAG_LIMIT_BYTES)
            state.sent_bytes += size
            state.mean_bytes += (size - state.mean_bytes) * (_SIZE_WEIGHT if state.mean_bytes else 1)
        return partial(self._settle, state, size)

    def _count_unread(self, topic: str, size: int) -> None:
        before = self._unread_bytes.get(topic, 0)
        self._unread_bytes[topic] = before + size
        if before <= RETAINED_BYTES < before + size:
            _log.error("%s: the embedded broker drops its oldest messages from here on; a real one keeps them", topic)

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        self._wake.set()
        self._thread.join()
        self._reader.close()

    def _check(self, topic: str, state: _Topic, size: int, limit_bytes: int) -> None:
        unseen = state.sent_bytes - state.seen_bytes
        if unseen + size > ALLOWANCE_BYTES / 2:
            self._wake.set()
        if time.monotonic() - state.looked_at_s > _STALE_S:
            raise BrokerUnavailable(
                f"{topic}: the readers' lag has been unknown for {_STALE_S:.0f} s", retry_after_s=_STALE_RETRY_S
            )
        if state.lag_bytes + unseen + size > limit_bytes and unseen + state.lag_bytes > 0:
            self._wake.set()
            raise BrokerUnavailable(
                f"{topic}: {state.laggard or 'a reading group'} is {int(state.lag_bytes + unseen)} bytes behind, "
                f"the embedded broker allows {limit_bytes}",
                retry_after_s=_LAGGING_RETRY_S,
            )
        if unseen + size > ALLOWANCE_BYTES and unseen > 0:
            raise BrokerUnavailable(
                f"{topic}: {unseen} bytes sent since the readers' lag was looked up", retry_after_s=_LOOK_WHEN_BLOCKED_S
            )

    def _settle(self, state: _Topic, size: int) -> None:
        with self._lock:
            state.settled_bytes += size

    def _watch(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(_LOOK_EVERY_S)
            self._wake.clear()
            with self._lock:
                watched = list(self._topics.items())
            for topic, state in watched:
                try:
                    self._look(topic, state)
                except BrokerUnavailable as error:
                    _log.warning("lag unknown: %s", error)
            self._stop.wait(_LOOK_WHEN_BLOCKED_S)

    def _look(self, topic: str, state: _Topic) -> None:
        with self._lock:
            settled = state.settled_bytes
        lags = self._reader.lags(topic, state.groups)
        with self._lock:
            behind = {
                group: max(_bytes_behind(lag, state.mean_bytes) for lag in of_group) for group, of_group in lags.items()
            }
            state.laggard = max(behind, key=behind.__getitem__)
            state.lag_bytes = behind[state.laggard]
            state.seen_bytes = settled
            state.looked_at_s = time.monotonic()


def _bytes_behind(lag: PartitionLag, mean_bytes: float) -> float:
    estimate = lag.messages * mean_bytes
    if lag.start > 0 and lag.end > lag.start:
        estimate = max(estimate, lag.messages / (lag.end - lag.start) * RETAINED_BYTES)
    return estimate
