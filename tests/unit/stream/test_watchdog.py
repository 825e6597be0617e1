"""The watchdog's answers; that it frees a stuck consumer is tested on real Faust (tests/pipeline/stream)."""

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from stream.consumer_group import ConsumerGroup
from stream.metrics.worker import WorkerMetrics, new_registry
from stream.watchdog import Watchdog
from tests.components.waiting import wait_until, wait_until_async


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Group:
    """As much of a consumer group as the watchdog looks at; its coordinator fails for ever."""

    name: str = "lineside-inspect"
    has_been_assigned: bool = True
    assigned_partitions: int = 4
    error: Exception | None = None
    checks: list[None] = field(default_factory=list)
    loop: asyncio.AbstractEventLoop | None = None
    ended: str = ""
    looks: int = 0
    oldest_s: float = 0.0

    def oldest_unfinished_s(self, now_s: float) -> float:
        return self.oldest_s

    @property
    def consumer(self) -> Any:
        self.looks += 1

        def task(name: str) -> Any:
            return SimpleNamespace(done=lambda: self.ended == name)

        consumer = SimpleNamespace(
            _coordinator=SimpleNamespace(
                _pending_exception=self.error,
                _coordination_task=task("coordination"),
                check_errors=lambda: self.checks.append(None),
            ),
            _fetcher=SimpleNamespace(_fetch_task=task("fetching")),
            _client=SimpleNamespace(_sync_task=task("metadata")),
        )
        return SimpleNamespace(_thread=SimpleNamespace(_consumer=consumer, thread_loop=self.loop))


def watchdog(
    group: Group,
    clock: Clock,
    reasons: list[str],
    loop: asyncio.AbstractEventLoop,
    registry: CollectorRegistry | None = None,
) -> Watchdog:
    groups: list[ConsumerGroup] = [group]  # type: ignore[list-item]  # the part of it that is looked at
    return Watchdog(loop, groups, WorkerMetrics(registry or new_registry()), give_up=reasons.append, clock=clock)


async def test_worker_is_ready_when_its_groups_let_it_in() -> None:
    group = Group(has_been_assigned=False)
    dog = watchdog(group, Clock(), [], asyncio.get_running_loop())
    assert dog.ready() == "waiting for partitions of lineside-inspect"
    group.has_been_assigned = True
    assert dog.ready() is None
    assert dog.live() is None


async def test_stuck_consumer_is_freed_again_and_again_and_given_up_in_the_end() -> None:
    clock, reasons = Clock(), list[str]()
    group = Group(error=RuntimeError("unknown error 42"), loop=asyncio.get_running_loop())
    dog = watchdog(group, clock, reasons, asyncio.get_running_loop())
    dog.start()
    await wait_until_async(lambda: group.checks, 10, "check_errors to be called")
    assert dog.live() is None
    clock.now = 60.0
    await wait_until_async(
        lambda: dog.live() == "the consumer of lineside-inspect has been stuck for 60 s", 10, "the probe to fail"
    )
    assert not reasons
    clock.now = 121.0
    await wait_until_async(lambda: reasons, 10, "the process to be given up")
    dog.close()


@pytest.mark.parametrize("ended", ["coordination", "fetching", "metadata"])
async def test_a_worker_one_of_whose_tasks_on_kafka_is_over_is_given_up(ended: str) -> None:
    clock, reasons = Clock(), list[str]()
    group = Group(ended=ended, loop=asyncio.get_running_loop())
    dog = watchdog(group, clock, reasons, asyncio.get_running_loop())
    dog.start()
    await wait_until_async(lambda: group.looks, 10, "a look")
    clock.now = 121.0
    await wait_until_async(lambda: reasons, 10, "the process to be given up")
    assert not group.checks
    dog.close()


async def test_freed_consumer_is_no_reason_any_more() -> None:
    clock = Clock()
    group = Group(error=RuntimeError("x"), loop=asyncio.get_running_loop())
    dog = watchdog(group, clock, [], asyncio.get_running_loop())
    dog.start()
    await wait_until_async(lambda: group.checks, 10, "check_errors to be called")
    group.error = None
    clock.now = 60.0
    await wait_until_async(lambda: dog.live() is None, 10, "the probe to answer")
    dog.close()


def test_main_loop_that_does_not_answer_ends_the_process() -> None:
    clock, reasons = Clock(), list[str]()
    loop = asyncio.new_event_loop()  # never runs
    dog = watchdog(Group(), clock, reasons, loop)
    dog.start()
    clock.now = 31.0
    wait_until(lambda: "the main loop has not answered for 31 s" in (dog.live() or ""), 10, "the probe to fail")
    clock.now = 121.0
    wait_until(lambda: reasons, 10, "the process to be given up")
    dog.close()
    loop.close()


async def test_a_stuck_consumer_and_the_oldest_record_in_hand_can_be_seen_from_outside() -> None:
    clock, registry = Clock(), CollectorRegistry()
    group = Group(error=RuntimeError("x"), loop=asyncio.get_running_loop(), oldest_s=7.5)
    dog = watchdog(group, clock, [], asyncio.get_running_loop(), registry)
    dog.start()
    await wait_until_async(lambda: group.checks, 10, "check_errors to be called")
    clock.now = 45.0

    def value(name: str) -> float | None:
        return registry.get_sample_value(name, {"group": group.name})

    await wait_until_async(lambda: value("worker_stuck_seconds") == 45.0, 10, "45 s to be told")
    assert value("worker_consumer_lag_seconds") == 7.5
    group.error = None
    await wait_until_async(lambda: value("worker_stuck_seconds") == 0.0, 10, "the cure to be told")
    dog.close()


def test_silence_of_the_main_loop_can_be_seen_from_outside() -> None:
    clock, registry = Clock(), CollectorRegistry()
    loop = asyncio.new_event_loop()  # never runs
    dog = watchdog(Group(), clock, [], loop, registry)
    dog.start()
    clock.now = 31.0
    wait_until(lambda: registry.get_sample_value("worker_loop_silent_seconds") == 31.0, 10, "31 s to be told")
    dog.close()
    loop.close()
