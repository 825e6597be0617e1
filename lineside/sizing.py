"""How much of everything a site needs: workers, partitions, disk per day, network. A calculation, no measurement."""

import math
from dataclasses import dataclass
from typing import Final

_DAY_S: Final = 86_400.0
_KB: Final = 1e3
_MB: Final = 1e6
_GB: Final = 1e9

# A row of SQL with its verdicts, regions, indexes and share of the ledger: 5.0 kB measured on SQLite with two
# modalities and one part in ten defective (5 000 of `lineside.bench.made_results`); PostgreSQL's headers ask for more.
_SQL_BYTES_PER_PART: Final = 7_000.0
# Headers, context and heartbeats beside the payloads; results and reports have topics of their own.
_KAFKA_BYTES_PER_PART: Final = 12_000.0
# Beside an image of 13.6 kB the virtual plant's 1 272 parts had a map of 8.0 kB, and the flagged ones a mask of 0.6 kB
# and an overlay of 14.4 kB; both grow with the image.
_MAP_SHARE: Final = 0.6
_FLAGGED_SHARE: Final = 1.1
# A hash deals lines to partitions, Kafka partitions to workers: with few per worker one more weighs much.
_PARTITIONS_PER_WORKER: Final = 4
# One unlucky partition can be moved to nobody: with fewer a hall's lines share one.
_LEAST_PARTITIONS: Final = 12
_INLINE_LIMIT_BYTES: Final = 512 * 1024


@dataclass(frozen=True, kw_only=True)
class Plant:
    """What is known of a site. Rates per line; ages in days; sizes of one payload in kB (1 000 bytes)."""

    lines: int
    rate_hz: float
    images: int = 1
    image_kb: float = 250.0
    sensor_kb: float = 4.0
    defect_share: float = 0.02
    hours_per_day: float = 24.0
    worker_parts_per_s: float = 10.0
    utilisation: float = 0.6
    replicas: int = 3
    topic_days: float = 7.0
    ok_days: float = 30.0
    defect_days: float = 365.0
    evidence_of_all: bool = True
    outage_hours: float = 8.0
    state_mb: float = 4.0


@dataclass(frozen=True, kw_only=True)
class Size:
    """What the site needs. Bytes are decimal; ``…_per_day`` while it grows, the others when retention has caught up."""

    parts_per_s: float
    parts_per_day: float
    workers: int
    lines_per_worker: float
    partitions: int
    network_mb_per_s: float
    kafka_gb_per_day: float
    kafka_gb: float
    objects_gb_per_day: float
    objects_gb: float
    sql_gb_per_day: float
    sql_gb: float
    spool_gb_per_line: float
    state_memory_gb: float


def size(plant: Plant) -> Size:
    """Compute; the words of `lineside size` say how each figure comes about."""
    parts_per_s = plant.lines * plant.rate_hz
    parts_per_day = parts_per_s * plant.hours_per_day / 24 * _DAY_S
    image_bytes = plant.images * plant.image_kb * _KB
    payload_bytes = image_bytes + plant.sensor_kb * _KB
    workers = max(1, math.ceil(parts_per_s / (plant.worker_parts_per_s * plant.utilisation)))
    partitions = max(_LEAST_PARTITIONS, math.ceil(workers * _PARTITIONS_PER_WORKER / 12) * 12)
    is_inline = plant.image_kb * _KB <= _INLINE_LIMIT_BYTES
    in_kafka = (payload_bytes if is_inline else plant.sensor_kb * _KB) + _KAFKA_BYTES_PER_PART
    kafka_per_day = parts_per_day * in_kafka * plant.replicas

    map_bytes = image_bytes * _MAP_SHARE
    flagged = payload_bytes + map_bytes + image_bytes * _FLAGGED_SHARE
    good = payload_bytes + map_bytes if plant.evidence_of_all else 0.0
    defects_per_day = parts_per_day * plant.defect_share
    goods_per_day = parts_per_day - defects_per_day
    claims_per_day = 0.0 if is_inline or plant.evidence_of_all else goods_per_day * image_bytes
    sql_per_day = parts_per_day * _SQL_BYTES_PER_PART
    kept = (goods_per_day * plant.ok_days + defects_per_day * plant.defect_days) * _SQL_BYTES_PER_PART
    return Size(
        parts_per_s=parts_per_s,
        parts_per_day=parts_per_day,
        workers=workers,
        lines_per_worker=plant.worker_parts_per_s * plant.utilisation / plant.rate_hz,
        partitions=partitions,
        network_mb_per_s=parts_per_s * payload_bytes / _MB,
        kafka_gb_per_day=kafka_per_day / _GB,
        kafka_gb=kafka_per_day * plant.topic_days / _GB,
        objects_gb_per_day=(goods_per_day * good + defects_per_day * flagged + claims_per_day) / _GB,
        # Claimed payloads of parts without evidence stay as long as the topic, and a day of grace.
        objects_gb=(
            goods_per_day * good * plant.ok_days
            + defects_per_day * flagged * plant.defect_days
            + claims_per_day * (plant.topic_days + 1)
        )
        / _GB,
        sql_gb_per_day=sql_per_day / _GB,
        sql_gb=kept / _GB,
        spool_gb_per_line=plant.rate_hz * payload_bytes * plant.outage_hours * 3600 / _GB,
        state_memory_gb=min(plant.lines, plant.lines / workers * 2) * plant.state_mb * _MB / _GB,
    )
