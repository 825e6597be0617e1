"""Offsets that did not arrive."""

import pytest

from stream.steps.offset_holes import OffsetHole, check_lost, find_hole
from wire.errors import MustStop


def test_no_hole_between_consecutive_offsets() -> None:
    assert find_hole(5, 5) is None
    assert find_hole(5, 8) == OffsetHole(first=5, last=7)


def test_records_in_front_of_the_log_are_lost() -> None:
    hole = OffsetHole(first=5, last=7)
    assert check_lost(hole, 8, at_start=False) == hole
    assert check_lost(hole, 8, at_start=True) == hole


def test_records_that_the_client_skipped_stop_the_worker() -> None:
    with pytest.raises(MustStop, match=r"offsets 6\.\.7 are in the log \(it begins at 6\)"):
        check_lost(OffsetHole(first=5, last=7), 6, at_start=False)


def test_offsets_without_records_behind_the_committed_one_are_no_loss() -> None:
    assert check_lost(OffsetHole(first=5, last=7), 0, at_start=True) is None
    assert check_lost(OffsetHole(first=5, last=7), 7, at_start=True) == OffsetHole(first=5, last=6)
