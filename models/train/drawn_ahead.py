"""What training steps learn from, drawn ahead of them by processes of their own."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import cv2
from torch.utils.data import DataLoader, Dataset

T = TypeVar("T")
# Steps that each process may be ahead.
_AHEAD = 4


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
        prefetch_factor=_AHEAD if workers else None,
        collate_fn=_as_it_is,
        worker_init_fn=_alone if workers else None,
    )
    yield from loader


def _as_it_is(drawn: T) -> T:
    return drawn


def _alone(worker: int) -> None:
    # There are as many processes as there shall be.
    cv2.setNumThreads(0)
