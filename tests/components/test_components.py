"""Each component starter starts a real component that answers."""

import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from asyncua import Client
from confluent_kafka import Consumer, Producer
from playwright.sync_api import Page

from tests.components.chromium import RealChromium
from tests.components.kafka import RealKafka
from tests.components.node_opcua import COUNT_NODE, PART_ID_NODE, TEMPERATURE_NODE, RealNodeOpcua
from tests.components.postgres import RealPostgres
from tests.components.prometheus import RealPrometheus
from tests.components.waiting import wait_until, wait_until_async

PAGE = b"<!doctype html><html><head><link rel=icon href=data:,><title>Line 3</title></head><body>running</body></html>"
METRICS = b"# TYPE parts_total counter\nparts_total 7\n"


@pytest.fixture
def web_port() -> Iterator[int]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = METRICS if self.path == "/metrics" else PAGE
            self.send_response(200)
            self.send_header("Content-Type", "text/plain" if self.path == "/metrics" else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def produce(bootstrap: str, topic: str, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True})
    producer.produce(topic, value)
    assert producer.flush(30) == 0


def consume_one(bootstrap: str, topic: str) -> bytes | None:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": topic, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    try:
        message = wait_until(lambda: consumer.poll(0.5), 60, f"a message in {topic}")
        assert message.error() is None
        return message.value()
    finally:
        consumer.close()


@pytest.mark.kafka
def test_kafka_takes_a_message_and_gives_it_back(kafka: RealKafka) -> None:
    kafka.create_topic("components.echo", partitions=2)
    produce(kafka.bootstrap, "components.echo", b"\x00part")
    assert consume_one(kafka.bootstrap, "components.echo") == b"\x00part"


@pytest.mark.kafka
@pytest.mark.fault
def test_kafka_keeps_its_messages_over_a_kill(own_kafka: RealKafka) -> None:
    own_kafka.create_topic("components.kept")
    produce(own_kafka.bootstrap, "components.kept", b"kept")
    own_kafka.kill()
    own_kafka.start()
    assert consume_one(own_kafka.bootstrap, "components.kept") == b"kept"


@pytest.mark.postgres
def test_postgres_copies_a_prepared_database(postgres: RealPostgres) -> None:
    calls = []

    def prepare(url: str) -> None:
        calls.append(url)
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            connection.execute("CREATE TABLE parts (id int PRIMARY KEY)")

    first, second = postgres.fresh_database(prepare=prepare), postgres.fresh_database(prepare=prepare)
    with psycopg.connect(first.replace("+psycopg", "")) as connection:
        connection.execute("INSERT INTO parts VALUES (1)")
    with psycopg.connect(second.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT count(*) FROM parts").fetchone() == (0,)
    assert len(calls) == 1


@pytest.mark.postgres
@pytest.mark.fault
def test_postgres_keeps_commits_over_a_kill(own_postgres: RealPostgres) -> None:
    url = own_postgres.admin_url.replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE parts AS SELECT 7 AS id")
    own_postgres.kill()
    own_postgres.start()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT id FROM parts").fetchone() == (7,)


@pytest.mark.slow
def test_prometheus_scrapes_and_answers(prometheus: Callable[..., RealPrometheus], web_port: int) -> None:
    server = prometheus({"line": [f"127.0.0.1:{web_port}"]})
    server.wait_for_targets()
    assert server.value("parts_total") == 7.0
    assert server.value("absent_total") is None


@pytest.mark.browser
def test_chromium_shows_a_page(chromium: RealChromium, chromium_page: Page, web_port: int, tmp_path: Path) -> None:
    chromium_page.goto(f"http://127.0.0.1:{web_port}/")
    assert chromium_page.title() == "Line 3"
    assert chromium.screenshot(chromium_page, tmp_path / "page.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.browser
def test_chromium_reports_exceptions_and_other_hosts(chromium: RealChromium, web_port: int) -> None:
    page = chromium.new_page()
    page.goto(f"http://127.0.0.1:{web_port}/")
    page.set_content("<img src='http://elsewhere.invalid/logo.png'><script>undefinedFunction()</script>")
    text = "\n".join(chromium.errors)
    assert "undefinedFunction is not defined" in text
    assert "elsewhere.invalid" in text


@pytest.mark.slow
async def test_node_opcua_variables_change(node_opcua: RealNodeOpcua) -> None:
    async with Client(node_opcua.endpoint) as client:
        temperature = await client.get_node(TEMPERATURE_NODE).read_value()
        first = await client.get_node(COUNT_NODE).read_value()
        count = client.get_node(COUNT_NODE)

        async def has_advanced() -> bool:
            return bool(await count.read_value() > first)

        await wait_until_async(has_advanced, 10, f"a count above {first}")
        assert str(await client.get_node(PART_ID_NODE).read_value()).startswith("part-")
    assert 20.0 <= temperature < 25.0
