import asyncio

from stream.work_gate import WorkGate


async def waits(gate: WorkGate, size: int) -> bool:
    """Whether ``enter`` does not return by itself; what entered stays in."""
    entering = asyncio.create_task(gate.enter(size))
    for _ in range(5):  # turns of the loop: more than an entry that need not wait takes
        await asyncio.sleep(0)
    if entering.done():
        return False
    entering.cancel()
    await asyncio.gather(entering, return_exceptions=True)
    return True


async def test_work_waits_while_its_bytes_do_not_fit() -> None:
    gate = WorkGate(100, limit_items=10)
    await gate.enter(60)

    assert await waits(gate, 41)
    assert not await waits(gate, 40)
    assert gate.used_bytes == 100


async def test_work_waits_while_too_many_pieces_are_in_progress_however_small() -> None:
    gate = WorkGate(100, limit_items=2)
    await gate.enter(1)
    await gate.enter(1)

    assert await waits(gate, 1)
    await gate.leave(1)
    assert not await waits(gate, 1)


async def test_work_larger_than_the_limit_passes_alone() -> None:
    gate = WorkGate(100, limit_items=10)

    assert not await waits(gate, 500)
    assert await waits(gate, 1)
    await gate.leave(500)
    assert not await waits(gate, 1)
