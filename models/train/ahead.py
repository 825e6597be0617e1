"""What training steps learn from, made ready ahead of them: drawn by processes of their own, prepared by a thread."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import cv2
from torch.utils.data import DataLoader, Dataset

S = TypeVar("S")
T = TypeVar("T")
# Steps that each process, and the thread, may be ahead.
_DRAWN, _PREPARED = 4, 2


class _Steps(Dataset[T]):
    def __init__(self, draw: Callable[[int], T]) -> None:
        self._draw = draw

    def __getitem__(self, step: int) -> T:
        return self._draw(step)


def drawn_ahead(draw: Callable[[int], T], steps: range, workers: int) -> Iterator[T]:
    """``draw(step)`` of every step, in order. ``workers`` processes draw at the same time; 0 = this one, when asked.

    ``draw`` depends on its step alone: the number of processes changes nothing but the time.
    """
    loader: DataLoader[Any] = DataLoader(
        _Steps(draw),
        batch_size=None,
        sampler=steps,
        num_workers=workers,
        prefetch_factor=_DRAWN if workers else None,
        collate_fn=_as_it_is,
        worker_init_fn=_alone if workers else None,
    )
    yield from loader


def prepared_ahead(prepare: Callable[[S], T], drawn: Iterable[S]) -> Iterator[T]:
    """``prepare(each)`` of all that is ``drawn``, in order; a thread is at the next ones while one is learned."""
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        waiting: deque[Future[T]] = deque()
        try:
            for each in drawn:
                waiting.append(thread.submit(prepare, each))
                if len(waiting) > _PREPARED:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for unused in waiting:
                unused.cancel()


def _as_it_is(drawn: T) -> T:
    return drawn


def _alone(worker: int) -> None:
    # There are as many processes as there shall be.
    cv2.setNumThreads(0)
