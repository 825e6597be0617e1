"""The chart's settings against a Kafka with TLS, SCRAM and rights, and a PostgreSQL with TLS, as processes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AclOperation, ResourceType

from storage.database import Database
from storage.ledger import LedgerStore
from tests.chart.pictures import CameraPc
from tests.chart.pod_process import PodProcess, Secrets
from tests.chart.rendering import Manifest, render_values
from tests.components.certificates import Authority
from tests.components.leaks import unwatched
from tests.components.requirement import require
from tests.components.secured import RIGHTS, SecuredKafka, SecuredPostgres
from tests.components.waiting import wait_until

pytestmark = [pytest.mark.kafka, pytest.mark.postgres, pytest.mark.timeout(400)]  # workers load torch on busy cores

LINE = "plant1.hall1.press1"
PICTURES = 12
START_DEADLINE_S = 180.0
USER, PASSWORD = "lineside", "a password with 'quotes\" and $signs"


@dataclass(frozen=True)
class Plant:
    """Servers that ask for certificates and passwords, and what the chart is told of them."""

    kafka: SecuredKafka
    postgres: SecuredPostgres
    authority: Authority
    database: str

    def secrets(self, **changes: str) -> dict[str, dict[str, str]]:
        return {
            "kafka-ca": {"ca.crt": changes.get("kafka_ca", self.kafka.authority.crt)},
            "kafka-user": {"password": changes.get("password", PASSWORD)},
            "database-ca": {"ca.crt": changes.get("database_ca", self.authority.crt)},
            "database": {"url": changes.get("database", self.database)},
        }

    def manifests(self, *, user: str = USER) -> list[Manifest]:
        return render_values({
            "kafka": {
                "bootstrap": self.kafka.secured_bootstrap,
                "tls": {"enabled": True, "caSecret": "kafka-ca"},
                "sasl": {"enabled": True, "username": user, "existingSecret": "kafka-user"},
                "topics": {"partitions": 4},
            },
            "database": {
                "existingSecret": "database", "tls": {"mode": "verify-full", "caSecret": "database-ca"}
            },
            "objects": {"url": "file:///objects", "existingClaim": "objects"},
            "lines": [{
                "name": "press1", "line": LINE, "kind": "camera", "watch": {"existingClaim": "pictures"},
                "config": {"sources": [{"source": f"{LINE}/camera1", "watch": "/watch"}]},
            }],
        })  # fmt: skip


@pytest.fixture(scope="module")
def plant() -> Iterator[Plant]:
    require("kafka")
    require("postgres")
    authority = Authority()
    with unwatched(), SecuredKafka(authority) as kafka, SecuredPostgres(authority) as postgres:
        kafka.add_user(USER, PASSWORD)
        kafka.allow(USER)
        yield Plant(kafka, postgres, authority, postgres.owned_database("lineside", "secret"))


Start = Callable[..., PodProcess]


@pytest.fixture
def start(plant: Plant, tmp_path: Path) -> Iterator[Start]:
    """A function that starts a pod of the chart: `start("Deployment", "-inspect", password="wrong")`."""
    started: list[PodProcess] = []

    def begin(kind: str, name: str, *, user: str = USER, **changes: str) -> PodProcess:
        secrets: Secrets = plant.secrets(**changes)
        volumes = {volume: tmp_path / volume for volume in ("objects", "watch", "spool")}
        pod = PodProcess(
            plant.manifests(user=user), kind, name, folder=tmp_path / "pods", secrets=secrets, volumes=volumes
        )
        started.append(pod)
        return pod

    yield begin
    for pod in started:
        pod.terminate()


def ended(pod: PodProcess, deadline_s: float = 90.0) -> int:
    wait_until(lambda: not pod.is_alive, deadline_s, lambda: f"{pod.name} to end\n{pod.log_tail()}")
    assert pod.status is not None
    return pod.status


@pytest.fixture
def prepared(start: Start) -> None:
    """What the jobs of an installation do; a second time nothing is left to do."""
    for job in ("-migrate", "-topics"):
        pod = start("Job", job)
        assert ended(pod) == 0, pod.log_tail()


def test_pictures_become_rows_over_encrypted_connections_and_other_certificates_lose_none(
    plant: Plant, start: Start, prepared: None, tmp_path: Path
) -> None:
    """As helm/README.md says of an authority: both in the Secret, then another certificate in the broker."""
    successor = Authority("its successor")
    both = plant.kafka.authority.crt + successor.crt
    camera = CameraPc(tmp_path / "watch")
    camera.deliver(PICTURES)
    for role in ("-inspect", "-store"):
        worker = start("Deployment", role, kafka_ca=both)
        wait_until(worker.is_ready, START_DEADLINE_S, lambda pod=worker: f"{pod.name} to be ready\n{pod.log_tail()}")
    connector = start("StatefulSet", "-press1", kafka_ca=both)

    def totals() -> Any:
        with_password = f"{plant.database}?sslmode=require"
        database = Database(with_password)
        try:
            return LedgerStore(database).read().totals
        finally:
            database.close()

    def until_used(pictures: int) -> None:
        wait_until(lambda: totals().used >= pictures, 120, lambda: f"{pictures} in {totals()}\n{connector.log()}")

    until_used(PICTURES)
    plant.kafka.authority = successor
    with unwatched():  # it belongs to all tests of this file
        plant.kafka.restart()
    camera.deliver(PICTURES)
    until_used(2 * PICTURES)
    found = totals()
    assert found.used == found.published == 2 * PICTURES
    assert found.unaccounted == found.unbalanced == 0
    assert connector.is_alive


def test_a_wrong_password_ends_a_worker_with_a_message_that_names_it(start: Start) -> None:
    worker = start("Deployment", "-store", password="wrong")

    assert ended(worker) == 1
    assert "SASL authentication error: Authentication failed" in worker.log()
    assert "check user, password, mechanism and ssl.ca.location in broker.options" in worker.log()


def test_an_authority_that_did_not_sign_the_broker_is_no_way_in(start: Start) -> None:
    job = start("Job", "-topics", kafka_ca=Authority("another").crt)

    assert ended(job) == 2
    assert "certificate verify failed" in job.log()


def test_a_user_without_rights_is_told_which_one_is_missing(plant: Plant, start: Start) -> None:
    plant.kafka.add_user("visitor", PASSWORD)
    plant.kafka.allow("visitor", [(ResourceType.TOPIC, "lineside.", [AclOperation.DESCRIBE])])

    job = start("Job", "-topics", user="visitor")
    assert ended(job) in (1, 2)
    assert "AUTHORIZATION_FAILED" in job.log() or "may not create it" in job.log()


def test_a_connector_without_the_right_to_write_spools_and_says_why(
    plant: Plant, start: Start, prepared: None, tmp_path: Path
) -> None:
    CameraPc(tmp_path / "watch").deliver(PICTURES)
    plant.kafka.add_user("elsewhere", PASSWORD)
    plant.kafka.allow("elsewhere", [(ResourceType.TOPIC, "lineside.results", [AclOperation.WRITE])])

    connector = start("StatefulSet", "-press1", user="elsewhere")

    wait_until(lambda: "TOPIC_AUTHORIZATION_FAILED" in connector.log(), 60, lambda: f"the reason\n{connector.log()}")
    assert connector.is_alive
    assert not connector.is_ready()
    wait_until(lambda: any((tmp_path / "spool").rglob("*")), 30, "a spool with pictures")


def test_a_connector_that_may_write_nothing_ends_and_says_which_right_it_needs(
    plant: Plant, start: Start, prepared: None, tmp_path: Path
) -> None:
    CameraPc(tmp_path / "watch").deliver(PICTURES)
    plant.kafka.add_user("reader", PASSWORD)
    plant.kafka.allow("reader", [(ResourceType.TOPIC, "lineside.", [AclOperation.DESCRIBE, AclOperation.READ])])

    connector = start("StatefulSet", "-press1", user="reader")

    assert ended(connector, 30) == 1
    assert "give this user the right WRITE on topics that begin with 'lineside.'" in connector.log()


def test_a_worker_without_the_right_to_its_group_ends_and_says_so(plant: Plant, start: Start, prepared: None) -> None:
    plant.kafka.add_user("lonely", PASSWORD)
    plant.kafka.allow("lonely", [right for right in RIGHTS if right[0] is ResourceType.TOPIC])

    worker = start("Deployment", "-store", user="lonely")

    assert ended(worker) == 70
    assert "this user may not join the group lineside-store; give it the right READ" in worker.log()


def test_a_wrong_database_password_and_a_wrong_authority_are_named(plant: Plant, start: Start) -> None:
    wrong = start("Job", "-migrate", database=plant.database.replace("secret", "geheim"))
    foreign = start("CronJob", "-retention", database_ca=Authority("another").crt)

    assert ended(wrong) == 2
    assert 'password authentication failed for user "lineside"; check user and password' in wrong.log()
    assert ended(foreign) == 2
    assert "certificate verify failed; check PGSSLROOTCERT and PGSSLMODE" in foreign.log()


def test_a_worker_with_a_wrong_database_password_ends_at_once(plant: Plant, start: Start) -> None:
    worker = start("Deployment", "-store", database=plant.database.replace("secret", "geheim"))

    # It would wait two minutes for a database that is away; its libraries take most of this time.
    assert ended(worker, 60) == 1
    assert "check user and password in the database's URL" in worker.log()
    assert "geheim" not in worker.log()
