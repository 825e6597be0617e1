"""Waiting returns what was awaited, and says what was not."""

import itertools

import pytest

from tests.components.waiting import DeadlineExceeded, wait_until, wait_until_async


def test_wait_until_returns_the_first_true_result() -> None:
    results = iter([None, 0, "part-7", "part-8"])
    assert wait_until(lambda: next(results), 5, "a part", interval_s=0.001) == "part-7"


def test_deadline_message_names_condition_and_last_result() -> None:
    with pytest.raises(DeadlineExceeded, match=r"^waited 0 s for rows in SQL; last result: 0$"):
        wait_until(lambda: 0, 0, "rows in SQL")


def test_description_is_made_when_the_deadline_has_passed() -> None:
    seen: list[int] = []
    with pytest.raises(DeadlineExceeded, match=r"2 of 3 rows"):
        wait_until(lambda: seen.append(1), 0.001, lambda: f"{min(len(seen), 2)} of 3 rows", interval_s=0.002)


async def test_async_wait_takes_functions_and_coroutine_functions() -> None:
    counter = itertools.count()

    async def third() -> int | None:
        number = next(counter)
        return number if number >= 3 else None

    assert await wait_until_async(third, 5, "the third call", interval_s=0.001) == 3
    assert await wait_until_async(lambda: next(counter), 5, "the next call") == 4
