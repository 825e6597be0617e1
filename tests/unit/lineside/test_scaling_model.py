"""The simulation behind `lineside bench scaling`."""

import pytest
from aiokafka.partitioner import DefaultPartitioner

from lineside.bench.partitioning import partition_of
from lineside.bench.scaling_model import forecast, least_workers


def test_a_line_has_the_partition_that_kafkas_clients_give_it() -> None:
    theirs, partitions = DefaultPartitioner(), list(range(24))
    for name in ("a", "plant1.hall2.line3", "bench.hall1.line48", "plant1.hall20.line1000", "linie.äöü"):
        assert partition_of(name, 24) == theirs(name.encode(), partitions, partitions)


def test_one_line_alone_waits_for_nobody() -> None:
    found = forecast(lines=1, partitions=24, workers=1, rate_hz=2.0, worker_parts_per_s=10.0)
    assert found.busiest == pytest.approx(0.2)
    assert found.median_s == pytest.approx(0.1)
    assert found.p99_s == pytest.approx(0.1)


def test_more_work_than_a_worker_can_do_makes_its_queue_grow() -> None:
    # 12 parts a second come and 10 are done: after 300 s the last of 3600 parts waits for 60 s.
    found = forecast(lines=12, partitions=1, workers=1, rate_hz=1.0, worker_parts_per_s=10.0)
    assert found.busiest == pytest.approx(1.2)
    assert 55 < found.p99_s < 61


def test_the_fewest_workers_depend_on_the_busiest_and_end_at_one_per_partition() -> None:
    found = least_workers(lines=100, partitions=24, rate_hz=1.0, worker_parts_per_s=20.0, p99_s=1.0)
    assert found is not None
    # Five would do if murmur2 dealt lines evenly.
    assert 5 <= found.workers <= 24
    assert found.busiest < 1
    fewer = forecast(lines=100, partitions=24, workers=found.workers - 1, rate_hz=1.0, worker_parts_per_s=20.0)
    assert fewer.busiest >= 1 or fewer.p99_s > 1.0
    assert least_workers(lines=1000, partitions=24, rate_hz=1.0, worker_parts_per_s=20.0, p99_s=1.0) is None
