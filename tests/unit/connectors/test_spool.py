"""The spool: what is on disk survives, what is torn is cut, and its bound holds."""

import os
import resource
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from connectors import spool_record
from connectors.spool import Spool
from tests.components.waiting import wait_until
from tests.unit.connectors.frames import captured
from wire.cloudevents import CloudEvent
from wire.errors import ConfigurationError, DecodeError

MIB = 1024 * 1024


def event(number: int, *, size: int = 10) -> CloudEvent:
    return captured(number, payload=bytes([number % 256]) * size).event


def sequences(spool: Spool) -> list[int]:
    return [int(spool.read(number).extensions["sequence"]) for number in spool.unacknowledged(0)]


def test_a_record_comes_back_as_it_was_written() -> None:
    written = event(7, size=1000)
    assert spool_record.decode(bytes(spool_record.encode(written))) == written


@pytest.mark.parametrize("position", [0, 5, 9, 200, -1])
def test_a_record_with_one_changed_byte_is_refused(position: int) -> None:
    record = bytearray(bytes(spool_record.encode(event(7, size=1000))))
    record[position] ^= 1
    with pytest.raises(DecodeError, match="no whole record"):
        spool_record.decode(bytes(record))


def test_records_whose_headers_are_unreadable_are_refused() -> None:
    body = b"\0\0\0\2{]"
    record = spool_record.FRAMING.pack(len(body), zlib.crc32(body)) + body
    with pytest.raises(DecodeError, match="headers are unreadable"):
        spool_record.decode(record)


def test_events_are_there_again_after_reopening_in_their_order(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=MIB)
    assert spool.append([event(0), event(1)]) == [0, 1]
    assert spool.append([event(2)]) == [2]
    spool.close()
    again = Spool(tmp_path, max_bytes=MIB)
    assert sequences(again) == [0, 1, 2]
    assert again.append([event(3)]) == [3]
    again.close()


def test_a_torn_tail_is_cut_off_and_writing_goes_on_behind_it(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=MIB)
    spool.append([event(0), event(1), event(2, size=500)])
    spool.close()
    (segment,) = tmp_path.glob("*.seg")
    os.truncate(segment, segment.stat().st_size - 1)
    again = Spool(tmp_path, max_bytes=MIB)
    assert sequences(again) == [0, 1]
    assert again.append([event(9)]) == [2]
    again.close()
    once_more = Spool(tmp_path, max_bytes=MIB)
    assert sequences(once_more) == [0, 1, 9]
    once_more.close()


def test_a_record_that_the_disk_damaged_in_a_sealed_file_costs_itself_alone(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=MIB)
    spool.append([event(number, size=20_000) for number in range(6)])  # a file holds three of them
    spool.close()
    first, _ = sorted(tmp_path.glob("*.seg"))
    content = bytearray(first.read_bytes())
    content[30_000] ^= 1  # in the payload of the second record
    first.write_bytes(content)
    again = Spool(tmp_path, max_bytes=MIB)
    assert list(again.unacknowledged(0)) == [0, 1, 2, 3, 4, 5]
    with pytest.raises(DecodeError, match="no whole record"):
        again.read(1)
    assert [int(again.read(number).extensions["sequence"]) for number in (0, 2, 3, 5)] == [0, 2, 3, 5]
    again.close()


def test_a_length_that_the_disk_damaged_in_a_sealed_file_costs_what_lies_behind_it(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=MIB)
    spool.append([event(number, size=20_000) for number in range(6)])
    spool.close()
    first, _ = sorted(tmp_path.glob("*.seg"))
    content = bytearray(first.read_bytes())
    content[len(content) // 3 + 2] ^= 1  # the length of the second record
    first.write_bytes(content)
    again = Spool(tmp_path, max_bytes=MIB)
    assert sequences(again) == [0, 3, 4, 5]
    again.close()


def test_garbage_behind_the_last_record_is_cut_off(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=MIB)
    spool.append([event(0)])
    spool.close()
    (segment,) = tmp_path.glob("*.seg")
    with segment.open("ab") as file:
        file.write(bytes(4096))  # what a file system may leave after a power cut
    again = Spool(tmp_path, max_bytes=MIB)
    assert sequences(again) == [0]
    again.close()


def test_acknowledged_events_are_gone_with_their_file(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=MIB)
    for number in spool.append([event(n, size=20_000) for n in range(10)]):
        assert next(spool.unacknowledged(0)) == number
        spool.acknowledge(number)
        spool.acknowledge(number)  # twice is once
    assert len(spool) == 0
    assert spool.size_bytes == 0
    assert list(tmp_path.glob("*.seg")) == []
    assert spool.append([event(10)]) == [10]  # numbers never come again while the process lives
    spool.close()


def test_what_does_not_fit_is_not_written(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=100_000)
    numbers = spool.append([event(n, size=30_000) for n in range(5)])
    assert numbers == [0, 1, 2]
    assert spool.size_bytes <= 100_000
    assert sum(path.stat().st_size for path in tmp_path.glob("*.seg")) <= 100_000
    spool.close()


def test_dropping_the_oldest_names_what_was_dropped_and_makes_room(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=160_000)  # segments of 10 000 bytes
    spool.append([event(n, size=2500) for n in range(6)])
    spool.acknowledge(1)
    dropped = spool.drop_oldest()
    assert [(number, int(one.extensions["sequence"])) for number, one in dropped] == [(0, 0), (2, 2)]
    assert sequences(spool) == [3, 4, 5]
    with pytest.raises(DecodeError, match="record 0 is not in the spool any more"):
        spool.read(0)
    spool.acknowledge(0)  # a late acknowledgement of a dropped one is nothing
    spool.close()


def test_dropping_from_an_empty_spool_gives_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=MIB)
    assert spool.drop_oldest() == []
    spool.close()


def test_two_processes_cannot_share_a_folder(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=MIB)
    with pytest.raises(ConfigurationError, match="in use by another connector; give each its own"):
        Spool(tmp_path, max_bytes=MIB)
    spool.close()


def test_a_folder_that_cannot_be_made_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"spool\.directory: .* cannot be used"):
        Spool(tmp_path / "file" / "spool", max_bytes=MIB)


def test_a_file_that_cannot_be_read_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "00000000000000000000.seg").mkdir()
    with pytest.raises(ConfigurationError, match=r"spool\.directory: .* cannot be read"):
        Spool(tmp_path, max_bytes=MIB)


@contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """Let the disk refuse what makes a file larger than ``size`` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_the_disk_refuses_is_not_in_the_spool_and_later_it_is_taken(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=16 * MIB)
    assert spool.append([event(0, size=30_000)]) == [0]
    with no_file_above(75_000):
        assert spool.append([event(number, size=30_000) for number in (1, 2, 3)]) == [1]  # as much as it takes
    assert sequences(spool) == [0, 1]
    assert spool.append([event(2), event(3)]) == [2, 3]
    spool.close()
    again = Spool(tmp_path, max_bytes=16 * MIB)
    assert sequences(again) == [0, 1, 2, 3]
    again.close()


def test_a_disk_that_refuses_the_first_record_leaves_no_file(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=MIB)
    with no_file_above(40_000):
        assert spool.append([event(0, size=50_000)]) == []
    assert list(tmp_path.glob("*.seg")) == []
    assert spool.append([event(0)]) == [0]
    spool.close()


def test_what_waits_too_long_is_given_up_in_sixteenths_of_the_age(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=MIB, max_age_s=0.8)
    spool.append([event(0)])
    wait_until(lambda: spool.oldest_age_s > 0.1, 5, "a sixteenth to pass", interval_s=0.01)
    spool.append([event(1)])  # into a file of its own, so that the two do not expire together
    assert spool.drop_expired() == []
    dropped = wait_until(spool.drop_expired, 5, "the first to expire", interval_s=0.01)
    assert [(number, one.extensions["sequence"]) for number, one in dropped] == [(0, "0")]
    assert sequences(spool) == [1]
    spool.close()


def test_age_goes_on_while_no_process_holds_the_spool(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=MIB)
    spool.append([event(0)])
    spool.close()
    (path,) = tmp_path.glob("*.seg")
    os.utime(path, (time.time() - 7200, time.time() - 7200))
    again = Spool(tmp_path, max_bytes=MIB, max_age_s=3600)
    assert again.oldest_age_s == pytest.approx(7200, abs=60)
    assert len(again.drop_expired()) == 1
    assert again.oldest_age_s == 0
    again.close()


def test_a_file_from_the_future_is_not_old(tmp_path: Path) -> None:
    spool = Spool(tmp_path, max_bytes=MIB)
    spool.append([event(0)])
    spool.close()
    (path,) = tmp_path.glob("*.seg")
    os.utime(path, (time.time() + 86_400, time.time() + 86_400))  # the host's clock was set back
    again = Spool(tmp_path, max_bytes=MIB, max_age_s=60)
    assert again.oldest_age_s == pytest.approx(0, abs=5)
    assert again.drop_expired() == []
    again.close()
