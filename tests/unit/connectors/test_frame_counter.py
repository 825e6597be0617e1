"""Frame ids of cameras as one count without wrap."""

import pytest

from connectors.genicam.frame_counter import FrameCounter


def count(*frame_ids: int) -> list[int | None]:
    counter = FrameCounter()
    return [counter.next(frame_id) for frame_id in frame_ids]


@pytest.mark.parametrize(
    ("frame_ids", "expected"),
    [
        ([7, 8, 11], [0, 1, 4]),  # two frames never came
        ([65534, 65535, 1, 2], [0, 1, 2, 3]),  # GigE Vision 1.x has no block 0
        ([65530, 3], [0, 8]),  # the frames at the wrap are missing: 65531 … 65535, 1, 2
        ([65535, 65536, 65537], [0, 1, 2]),  # 64-bit ids do not wrap
        ([2**40, 2**40 + 40_000], [0, 40_000]),
    ],
)
def test_numbers_go_on_over_holes_and_the_wrap(frame_ids: list[int], expected: list[int]) -> None:
    assert count(*frame_ids) == expected


@pytest.mark.parametrize("frame_ids", [(500, 500), (500, 499), (70_000, 1), (40_000, 1)])
def test_a_count_that_repeats_or_goes_back_is_a_new_one(frame_ids: tuple[int, int]) -> None:
    assert count(*frame_ids) == [0, None]


def test_sixteen_bits_count_far_beyond_their_range() -> None:
    counter = FrameCounter()
    numbers = [counter.next(at % 65_535 + 1) for at in range(0, 200_000, 1000)]
    assert numbers == list(range(0, 200_000, 1000))
