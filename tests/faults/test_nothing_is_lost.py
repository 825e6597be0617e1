"""A plant streams while its site is killed, stopped and fed rubbish; at the end truth and history agree.

Short here; `make soak` runs the full length (LINESIDE_SOAK=1).
"""

import os
import random
from pathlib import Path

import pytest

from tests.components.kafka import RealKafka
from tests.components.postgres import RealPostgres
from tests.faults.running_site import Rhythm, RunningSite
from tests.faults.truth_comparison import compare
from wire.kafka.settings import KafkaSettings

pytestmark = pytest.mark.fault

SOAK = bool(os.environ.get("LINESIDE_SOAK"))
# How long the plant streams, and how long it may take afterwards until every frame has been worked off.
STREAM_S = 150.0 if SOAK else 50.0
BROKER_AWAY_S = 20.0 if SOAK else 8.0
DATABASE_AWAY_S = 30.0 if SOAK else 8.0
REST_DEADLINE_S = 240.0
RUBBISH = (
    "corrupt_image=0.03,empty_image=0.02,duplicate=0.03,out_of_order=0.03,"
    "late_sensor=0.03,camera_drops=0.02,clock_back=0.02"
)


class Plant:
    """A site on a Kafka and a PostgreSQL of the test's own, and the comparison at the end."""

    def __init__(self, folder: Path, kafka: RealKafka, postgres: RealPostgres, *, faults: str = RUBBISH) -> None:
        self.kafka = kafka
        self.postgres = postgres
        self.database = postgres.fresh_database()
        self.site = RunningSite(
            folder,
            broker=kafka.bootstrap,
            database=self.database,
            duration_s=STREAM_S,
            options=("--rate", "3", "--faults", faults),
        )

    def assert_truth_was_kept(self) -> None:
        """Wait until the site has ended by itself, then compare with the plant's ledger."""
        summary = self.site.wait_for_summary(STREAM_S + REST_DEADLINE_S)
        site = self.site.site
        assert site is not None
        comparison = compare(
            truth_file=self.site.truth_file,
            database_url=self.database,
            objects_url=site.objects,
            broker=KafkaSettings(bootstrap=self.kafka.bootstrap),
        )
        assert comparison.deviations == {}, self.site.history()
        assert comparison.rows > STREAM_S  # two lines at three parts a second: half of it would already be a failure
        assert summary["total"]["unaccounted"] == 0
        assert summary["total"]["stored"] == comparison.rows


@pytest.fixture
def dice(request: pytest.FixtureRequest) -> random.Random:
    return random.Random(request.node.name)


@pytest.mark.timeout(600)
def test_killed_workers_and_connectors_lose_no_part_and_count_none_twice(
    tmp_path: Path, own_kafka: RealKafka, own_postgres: RealPostgres, dice: random.Random
) -> None:
    plant = Plant(tmp_path, own_kafka, own_postgres)
    with plant.site as site:
        site.wait_until_streaming()
        rhythm = Rhythm(total_s=STREAM_S - 10)
        while not rhythm.is_over:
            rhythm.wait(dice.uniform(4, 8))
            site.kill("inspect", "store", "connector", dice=dice)
        assert len(site.killed) >= 3
        plant.assert_truth_was_kept()


@pytest.mark.timeout(600)
def test_absent_broker_and_absent_database_delay_parts_and_lose_none(
    tmp_path: Path, own_kafka: RealKafka, own_postgres: RealPostgres
) -> None:
    plant = Plant(tmp_path, own_kafka, own_postgres)
    with plant.site as site:
        site.wait_until_streaming()
        rhythm = Rhythm(total_s=STREAM_S)
        own_kafka.stop()
        rhythm.wait(BROKER_AWAY_S)
        own_kafka.start()
        rhythm.wait(6)
        own_postgres.stop()
        rhythm.wait(DATABASE_AWAY_S)
        own_postgres.start()
        site.fault("server_restart")
        plant.assert_truth_was_kept()


@pytest.mark.timeout(600)
def test_inspect_workers_that_join_and_leave_share_the_lines_without_loss(
    tmp_path: Path, own_kafka: RealKafka, own_postgres: RealPostgres
) -> None:
    plant = Plant(tmp_path, own_kafka, own_postgres)
    with plant.site as site:
        site.wait_until_streaming()
        rhythm = Rhythm(total_s=STREAM_S - 5)
        while not rhythm.is_over:
            with site.second_worker("inspect"):
                rhythm.wait(12)
            rhythm.wait(8)
        plant.assert_truth_was_kept()
