"""Workers as processes: killed, stopped, joining and leaving in the middle of a stream."""

import time
from functools import partial
from pathlib import Path

import pytest

from storage.database import Database
from storage.history import History
from storage.lines import LineRegistry
from tests.components.waiting import wait_until
from tests.pipeline.stream.mixed_stream import MixedStream, check_ledger, ledger_is_settled, verdicts
from tests.pipeline.stream.worker_process import start_worker
from tests.unit.stream.made_records import LINE, SPEC
from tests.unit.stream.made_results import inspection
from wire import topics
from wire.cloudevents import CloudEvent
from wire.errors import BrokerUnavailable
from wire.kafka.reader import read_topic
from wire.kafka.sender import KafkaSender
from wire.kafka.settings import KafkaSettings

# torch is loaded by each worker: seconds on a free machine, half a minute on two busy cores.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

DEADLINE_S = 120.0


class Plant:
    """Sends a stream piece by piece, as fast as the broker's guard allows."""

    def __init__(self, sender: KafkaSender, parts: int) -> None:
        self._sender = sender
        self.stream = MixedStream(parts)
        self._events = iter(self.stream.events())
        self.is_done = False

    def send(self, count: int) -> bool:
        """Send up to ``count`` events; True when all are sent."""
        for _ in range(count):
            event = next(self._events, None)
            if event is None:
                self.is_done = True
                break
            wait_until(partial(self._is_taken, event), DEADLINE_S, "the sender to take an event")
        return self.is_done

    def _is_taken(self, event: CloudEvent) -> bool:
        try:
            self._sender.send(topics.FRAMES, LINE, event, lambda _: None)
        except BrokerUnavailable:
            return False
        return True


@pytest.fixture
def history(database: Database) -> History:
    LineRegistry(database).upsert(SPEC.model_copy(update={"join_window_s": 1.0}))
    return History(database)


def rows(history: History) -> int:
    return sum(history.verdict_counts(LINE).values())


def check(database: Database, broker: KafkaSettings, stream: MixedStream) -> None:
    verdicts(database, stream)
    check_ledger(database)
    letters = {letter.value for letter in read_topic(broker, topics.dlq(topics.FRAMES))}
    assert letters == {*stream.corrupt_payloads(), b""}


def test_worker_killed_in_mid_stream_is_followed_by_one_that_completes_the_work(
    tmp_path: Path, database_url: str, database: Database, history: History, broker: KafkaSettings, sender: KafkaSender
) -> None:
    plant = Plant(sender, 100)
    worker = start_worker(tmp_path, database_url, broker, name="first")
    plant.send(200)
    wait_until(lambda: rows(history) >= 20, DEADLINE_S, lambda: f"20 rows\n{worker.log_tail()}")
    worker.kill()
    plant.send(10_000)
    worker = start_worker(tmp_path, database_url, broker, name="second")
    wait_until(
        lambda: ledger_is_settled(database, plant.stream), DEADLINE_S, lambda: f"the ledger\n{worker.log_tail()}"
    )
    begun = time.monotonic()
    worker.stop(deadline_s=10)
    assert time.monotonic() - begun < 5
    assert worker.status == 0
    check(database, broker, plant.stream)


def test_workers_that_join_and_leave_share_the_work_without_loss(
    tmp_path: Path, database_url: str, database: Database, history: History, broker: KafkaSettings, sender: KafkaSender
) -> None:
    plant = Plant(sender, 100)
    first = start_worker(tmp_path, database_url, broker, name="first", roles="inspect,store,describe,build")
    plant.send(60)
    wait_until(lambda: rows(history) >= 5, DEADLINE_S, lambda: f"5 rows\n{first.log_tail()}")
    second = start_worker(tmp_path, database_url, broker, name="second", roles="inspect,store,describe,build")

    def second_has_joined() -> bool:
        plant.send(5)  # the line goes on meanwhile
        return "partitions assigned" in second.log_tail()

    wait_until(second_has_joined, DEADLINE_S, lambda: f"the second worker\n{second.log_tail()}")
    first.stop(deadline_s=10)
    assert first.status == 0
    plant.send(10_000)
    wait_until(
        lambda: ledger_is_settled(database, plant.stream), DEADLINE_S, lambda: f"the ledger\n{second.log_tail()}"
    )
    second.stop(deadline_s=10)
    check(database, broker, plant.stream)


def test_worker_without_a_schema_ends_with_an_error_that_names_the_command(
    tmp_path: Path, broker: KafkaSettings
) -> None:
    worker = start_worker(tmp_path, f"sqlite:///{tmp_path}/empty.sqlite", broker, name="early", roles="store")
    wait_until(lambda: not worker.is_alive, DEADLINE_S, "the worker to end")
    assert worker.status == 1
    assert "run `lineside migrate`" in worker.log_tail()


def test_worker_whose_database_stays_away_ends_with_an_error(
    tmp_path: Path, database_url: str, database: Database, broker: KafkaSettings, sender: KafkaSender
) -> None:
    """The supervisor starts it again; the message is read again, because it was not acknowledged."""
    patient = start_worker(tmp_path, database_url, broker, name="patient", roles="store", store={"patience_s": 0.5})
    wait_until(lambda: "partitions assigned" in patient.log_tail(), DEADLINE_S, patient.log_tail)
    with database.begin_write():  # nobody else may write meanwhile
        sender.send(topics.RESULTS, LINE, inspection(1).to_event(), lambda _: None)
        wait_until(lambda: not patient.is_alive, DEADLINE_S, lambda: f"the worker to end\n{patient.log_tail()}")
    assert patient.status == 1
    second = start_worker(tmp_path, database_url, broker, name="second", roles="store")
    wait_until(lambda: rows(History(database)) == 1, DEADLINE_S, second.log_tail)
    second.stop(deadline_s=10)
