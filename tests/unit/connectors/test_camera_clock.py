"""Whose clock stamps a frame."""

from datetime import UTC, datetime

import pytest

from connectors.genicam.camera_clock import stamp
from wire.timestamps import ClockOrigin

NOON_NS = 1_772_625_600 * 10**9  # 2026-03-04 12:00:00 UTC
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize("ahead_s", [0, 37], ids=["UTC", "TAI"])
def test_a_synchronised_camera_stamps_its_frames_itself(ahead_s: int) -> None:
    found = stamp(camera_ns=NOON_NS + ahead_s * 10**9, host_ns=NOON_NS + 20_000_000, synchronised=True)
    assert (found.at, found.clock) == (NOON, ClockOrigin.PTP)


@pytest.mark.parametrize(
    ("camera_ns", "synchronised"), [(NOON_NS, False), (12_345, True), (NOON_NS + 60 * 10**9, True)]
)
def test_else_the_hosts_clock_holds(camera_ns: int, synchronised: bool) -> None:
    found = stamp(camera_ns=camera_ns, host_ns=NOON_NS + 1500, synchronised=synchronised)
    assert (found.at, found.clock) == (NOON.replace(microsecond=1), ClockOrigin.HOST)
