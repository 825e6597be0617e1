"""Workers on a real Kafka with tiny numbers: that everything is measured and no part is left out."""

import os
from pathlib import Path

import pytest

from lineside.bench.scaling import bench_scaling
from lineside.bench.scaling_report import best_rate, document, forecast_all, forecast_table, measured_table
from tests.components.kafka import RealKafka
from wire.kafka.settings import KafkaSettings

# Four starts of a worker that imports torch, one after the other.
pytestmark = [
    pytest.mark.fault,
    pytest.mark.timeout(400),
    pytest.mark.skipif(
        not os.environ.get("LINESIDE_SOAK"), reason="a minute for a benchmark: LINESIDE_SOAK=1, as `make soak` does"
    ),
]


def test_two_workers_share_the_partitions_and_a_member_that_leaves_costs_no_part(
    own_kafka: RealKafka, tmp_path: Path
) -> None:
    figures = bench_scaling(
        tmp_path,
        KafkaSettings(bootstrap=own_kafka.bootstrap),
        lines=6,
        partitions=6,
        parts=60,
        workers=(2,),
        line_rate_hz=0.5,
        tell=lambda _: None,
    )
    (two,) = figures.throughputs
    assert sorted(two.partitions) == [3, 3]
    assert two.parts_per_s > 0
    assert two.lines_per_worker == pytest.approx(two.parts_per_core_s / 0.5)
    assert [change.change for change in figures.rebalances] == ["join", "leave"]
    assert all(change.reassigned_s > 0 for change in figures.rebalances)

    rate = best_rate(figures)
    found = forecast_all(rate, 0.5)
    told = document(figures, found, worker_parts_per_s=rate, line_rate_hz=0.5)
    assert told["measured"]["partitions"] == 6
    assert [len(column) for column in told["forecasts"].values()] == [7, 7, 7]
    assert measured_table(figures).row_count == 4
    assert forecast_table(found, worker_parts_per_s=rate, line_rate_hz=0.5).row_count == 7
