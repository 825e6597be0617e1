"""Back-pressure by bytes and number."""

import asyncio

from stream.work_gate import WorkGate


async def waits(gate: WorkGate, size: int) -> bool:
    """Whether someone with this much work has to wait; leaves nobody waiting."""
    task = asyncio.create_task(gate.enter(size))
    for _ in range(5):
        await asyncio.sleep(0)
    if task.done():
        return False
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return True


async def test_work_waits_until_its_bytes_fit() -> None:
    gate = WorkGate(100, limit_items=10)
    await gate.enter(60)
    assert await waits(gate, 50)
    await gate.leave(60)
    assert not await waits(gate, 50)
    assert gate.used_bytes == 50


async def test_work_waits_when_there_are_too_many_pieces() -> None:
    gate = WorkGate(100, limit_items=2)
    await gate.enter(1)
    await gate.enter(1)
    assert await waits(gate, 1)


async def test_work_larger_than_the_limit_passes_alone() -> None:
    gate = WorkGate(100, limit_items=10)
    assert not await waits(gate, 500)
    assert await waits(gate, 1)
