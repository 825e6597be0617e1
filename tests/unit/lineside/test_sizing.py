"""Sizes, worked by hand."""

from lineside.sizing import Plant, size


def near(found: float, expected: float) -> bool:
    return abs(found - expected) <= 1e-6 * max(1.0, abs(expected))


def test_ten_lines_of_a_part_a_second() -> None:
    found = size(Plant(lines=10, rate_hz=1.0, images=2, image_kb=100, sensor_kb=4, defect_share=0.1))
    assert (found.parts_per_s, found.parts_per_day) == (10.0, 864_000.0)
    # 10 parts/s of workers that do 10 x 0.6.
    assert (found.workers, found.lines_per_worker, found.partitions) == (2, 6.0, 12)
    assert near(found.network_mb_per_s, 10 * 0.204)
    # 204 kB of payload and 12 kB beside it, three copies.
    assert near(found.kafka_gb_per_day, 864_000 * 216e3 * 3 / 1e9)
    assert near(found.kafka_gb, found.kafka_gb_per_day * 7)
    # Good: payload and two maps of 60 kB; flagged: two masks with overlays of 110 kB more.
    good, flagged = 777_600 * 324e3 / 1e9, 86_400 * 544e3 / 1e9
    assert near(found.objects_gb_per_day, good + flagged)
    assert near(found.objects_gb, good * 30 + flagged * 365)
    assert near(found.sql_gb, (777_600 * 30 + 86_400 * 365) * 7e3 / 1e9)
    # Eight hours of 204 kB a second.
    assert near(found.spool_gb_per_line, 204e3 * 28_800 / 1e9)


def test_evidence_of_flagged_parts_alone_keeps_nothing_of_good_ones() -> None:
    found = size(Plant(lines=1, rate_hz=1.0, sensor_kb=0, image_kb=100, defect_share=0.1, evidence_of_all=False))
    assert near(found.objects_gb_per_day, 8_640 * 270e3 / 1e9)


def test_large_images_pass_kafka_by_and_lie_in_the_object_store_meanwhile() -> None:
    found = size(
        Plant(lines=1, rate_hz=1.0, sensor_kb=0, image_kb=2_000, defect_share=0.0, evidence_of_all=False, topic_days=7)
    )
    assert near(found.kafka_gb_per_day, 86_400 * 12e3 * 3 / 1e9)
    assert near(found.objects_gb, 86_400 * 2e6 * 8 / 1e9)


def test_partitions_grow_with_the_workers() -> None:
    assert size(Plant(lines=1000, rate_hz=1.0, worker_parts_per_s=50)).workers == 34
    assert size(Plant(lines=1000, rate_hz=1.0, worker_parts_per_s=50)).partitions == 144
