"""Sees to it that a worker which looks alive is alive (CONVENTIONS §1.4).

aiokafka parks its coordination task when the coordinator reports an error that it does not expect, until somebody calls
``check_errors()``. Faust never does, so that one such error leaves the worker alive, unassigned and silent for ever.
This thread calls it; the consumer then joins again. Nor does Faust look at aiokafka's other tasks: where the one that
fetches has ended, nothing is read any more; where the one that asks who leads a partition has, those whose leader was
away stay unread while others go on. Private attributes of aiokafka are read for it, which is why its version is pinned
and a test injects the error.
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from aiokafka.errors import GroupAuthorizationFailedError

from stream.consumer_group import ConsumerGroup
from stream.metrics.worker import WorkerMetrics

_log = structlog.get_logger(__name__)

# Larger: a stuck consumer is freed later. Smaller: nothing gained, a join takes seconds.
_LOOK_S = 0.5
# A main loop that does not answer for this long blocks rebalances, too, and the group gives the partitions away.
_LOOP_DEAD_S = 30.0
# What was not cured in this time will not be; a new process starts from a clean state.
_GIVE_UP_S = 120.0
# sysexits.h EX_SOFTWARE: the supervisor restarts, and people can tell it from a crash with a traceback.
_EXIT_CODE = 70
# By the attribute of aiokafka's consumer whose task it is: coordination, fetching, who leads each partition.
_TASKS = (("_coordinator", "_coordination_task"), ("_fetcher", "_fetch_task"), ("_client", "_sync_task"))


class Watchdog:
    """A daemon thread that frees stuck consumers, and answers ``live`` and ``ready`` for the telemetry server.

    ``give_up`` ends the process when neither the main loop nor a consumer can be brought back.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        groups: Sequence[ConsumerGroup],
        metrics: WorkerMetrics,
        *,
        give_up: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._loop = loop
        self._groups = tuple(groups)
        self._metrics = metrics
        self._give_up = give_up or _end_process
        self._clock = clock
        self._looked_at = clock()
        self._loop_answered_at = clock()
        self._stuck_since: dict[str, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._loop_answered_at = self._clock()
        self._thread.start()

    def close(self) -> None:
        """Stop watching: the process stops in order now."""
        self._stop.set()

    def live(self) -> str | None:
        """None, or why the process should be restarted."""
        now = self._clock()
        if now - self._looked_at > _LOOP_DEAD_S:
            return f"the watchdog has not looked for {now - self._looked_at:.0f} s"
        if now - self._loop_answered_at > _LOOP_DEAD_S:
            return f"the main loop has not answered for {now - self._loop_answered_at:.0f} s"
        for group, since in self._stuck_since.items():
            if now - since > _LOOP_DEAD_S:
                return f"the consumer of {group} has been stuck for {now - since:.0f} s"
        return None

    def ready(self) -> str | None:
        """None, or what the worker still waits for."""
        waiting = [group.name for group in self._groups if not group.has_been_assigned]
        return f"waiting for partitions of {', '.join(waiting)}" if waiting else self.live()

    def _watch(self) -> None:
        while not self._stop.wait(_LOOK_S):
            self._looked_at = self._clock()
            asked_at = self._looked_at
            try:
                self._loop.call_soon_threadsafe(self._answer, asked_at)
            except RuntimeError:  # the loop is closed: the process ends
                return
            self._metrics.loop_silent.set(max(0.0, asked_at - self._loop_answered_at))
            for group in self._groups:
                self._free(group)
                self._metrics.stuck.labels(group.name).set(asked_at - self._stuck_since.get(group.name, asked_at))
            if (reason := self.live()) is not None and self._is_hopeless():
                self._give_up(reason)

    def _answer(self, asked_at: float) -> None:
        self._loop_answered_at = self._clock()
        self._metrics.loop_delay.set(self._loop_answered_at - asked_at)
        for group in self._groups:
            self._metrics.assigned.labels(group.name).set(group.assigned_partitions)
            self._metrics.lag_seconds.labels(group.name).set(group.oldest_unfinished_s(time.time()))

    def _free(self, group: ConsumerGroup) -> None:
        """Let a parked coordinator go on; remember since when it is stuck."""
        consumer, consumer_loop = _consumer(group)
        coordinator = getattr(consumer, "_coordinator", None)
        error = getattr(coordinator, "_pending_exception", None)
        if error is None and not _has_ended_task(consumer):
            self._stuck_since.pop(group.name, None)
            return
        self._stuck_since.setdefault(group.name, self._clock())
        if isinstance(error, GroupAuthorizationFailedError) and not group.has_been_assigned:
            # One that worked and is refused now may meet a broker that has not read its rights yet: it tries again.
            self._give_up(f"this user may not join the group {group.name}; give it the right READ on the group")
        if error is not None and coordinator is not None and consumer_loop is not None:
            _log.warning("a stuck consumer is freed", group=group.name, error=repr(error))
            self._metrics.revived.labels(group.name).inc()
            asyncio.run_coroutine_threadsafe(_check_errors(coordinator), consumer_loop)

    def _is_hopeless(self) -> bool:
        since = min([self._loop_answered_at, *self._stuck_since.values()])
        return self._clock() - since > _GIVE_UP_S


def _consumer(group: ConsumerGroup) -> tuple[Any, asyncio.AbstractEventLoop | None]:
    """What Faust reads with, and the loop it lives on; (None, None) before it has started."""
    thread = getattr(group.consumer, "_thread", None)
    return getattr(thread, "_consumer", None), getattr(thread, "thread_loop", None)


def _has_ended_task(consumer: Any) -> bool:
    """Whether one of the tasks that should go on as long as the consumer is over."""
    tasks = (getattr(getattr(consumer, part, None), task, None) for part, task in _TASKS)
    return any(task is not None and task.done() for task in tasks)


async def _check_errors(coordinator: Any) -> None:
    """Take the error that the coordinator waits to get rid of."""
    try:
        coordinator.check_errors()
    except Exception as error:  # foreign code: whatever it is, it has been logged and the coordinator goes on
        _log.info("the coordinator's error was taken", error=repr(error))


def _end_process(reason: str) -> None:
    _log.critical("the worker cannot recover and ends", reason=reason)
    os._exit(_EXIT_CODE)
