"""The steps of a training, with a pause now and then to measure and to save."""

from collections.abc import Callable, Iterator


def checked_steps(train: Callable[[int], float], *, start: int, steps: int, every: int) -> Iterator[tuple[int, float]]:
    """(steps done, mean loss since the last pause) at every ``every``-th step and at the end.

    ``train`` does the step of a number and gives its loss. Nothing comes where ``start`` is the end already.
    """
    total, count = 0.0, 0
    for step in range(start, steps):
        total, count = total + train(step), count + 1
        done = step + 1
        if done % every == 0 or done == steps:
            yield done, total / count
            total, count = 0.0, 0
