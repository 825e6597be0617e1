"""Each benchmark with tiny numbers: that it runs and answers, not how fast anything is."""

import json
import os

import pytest

from lineside.bench import bench_topics
from lineside.bench.report import BenchReport
from lineside.bench.settings import Bench, BenchSettings, Scale
from lineside.bench.stream import run
from storage.migrate import migrate
from tests.components.kafka import RealKafka
from wire import topics
from wire.errors import ConfigurationError
from wire.kafka.settings import KafkaSettings
from wire.kafka.topics_admin import ensure_topics

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # a worker process imports torch, twice per measurement

TINY = Scale(
    repetitions=1,
    publish_bytes=3_000_000,
    inspect_parts=16,
    store_batches=2,
    store_batch=10,
    memory_parts=(16, 48),
)


def measured(bench: Bench, *, broker: str | None = None, database: str | None = None) -> BenchReport:
    told: list[str] = []
    report = run(BenchSettings(benches=(bench,), broker=broker, database=database, scale=TINY), told.append)
    assert told == [f"measuring: {bench.value}"]
    return report


def names_with_ratios_above_zero(report: BenchReport) -> list[str]:
    comparisons = json.loads(report.model_dump_json())["comparisons"]
    assert all(ratio > 0 for each in comparisons for ratio in [each["ratio"], *each["ratios"]])
    return [each["name"] for each in comparisons]


def test_publish_answers_for_both_ways_of_a_payload() -> None:
    assert names_with_ratios_above_zero(measured(Bench.PUBLISH)) == ["publish, inline", "publish, claim check"]


def test_inspect_answers_and_leaves_this_process_on_all_of_its_cores() -> None:
    before = os.sched_getaffinity(0)

    assert names_with_ratios_above_zero(measured(Bench.INSPECT)) == ["inspect"]
    assert os.sched_getaffinity(0) == before


def test_store_answers_for_sqlite() -> None:
    assert names_with_ratios_above_zero(measured(Bench.STORE)) == ["store, SQLite"]


def test_store_answers_for_an_empty_postgresql_database_and_leaves_it_empty(postgres_url: str) -> None:
    assert names_with_ratios_above_zero(measured(Bench.STORE, database=postgres_url)) == [
        "store, SQLite",
        "store, PostgreSQL",
    ]
    # Empty again: a second run would be refused otherwise.
    assert len(names_with_ratios_above_zero(measured(Bench.STORE, database=postgres_url))) == 2


def test_memory_without_a_broker_is_skipped_with_what_it_needs() -> None:
    report = run(BenchSettings(benches=(Bench.MEMORY,), scale=TINY), lambda _: None)

    assert report.comparisons == ()
    assert "needs --broker" in report.skipped["memory"]


def test_publish_and_memory_answer_on_a_real_broker_that_stays_the_benchmarks_own(own_kafka: RealKafka) -> None:
    assert names_with_ratios_above_zero(measured(Bench.PUBLISH, broker=own_kafka.bootstrap)) == [
        "publish, inline",
        "publish, claim check",
    ]
    assert names_with_ratios_above_zero(measured(Bench.MEMORY, broker=own_kafka.bootstrap)) == ["memory"]
    assert own_kafka.topics() == {bench_topics.MARKER}


def test_broker_that_carries_a_plant_is_refused(own_kafka: RealKafka) -> None:
    ensure_topics(KafkaSettings(bootstrap=own_kafka.bootstrap), 1)

    with pytest.raises(ConfigurationError, match=rf"--broker: {own_kafka.bootstrap} has .*{topics.FRAMES}.*own"):
        measured(Bench.PUBLISH, broker=own_kafka.bootstrap)


def test_database_with_tables_is_refused(postgres_url: str) -> None:
    migrate(postgres_url)
    with pytest.raises(ConfigurationError, match=r"--database: has the product's tables"):
        measured(Bench.STORE, database=postgres_url)
