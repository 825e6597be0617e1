"""Fixtures that every test may use: real components, test data, and the watch on leaks."""

import os
from collections.abc import Callable, Iterator
from inspect import iscoroutinefunction
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.components.chromium import RealChromium
from tests.components.kafka import RealKafka
from tests.components.leaks import LeakWatch, fail_on_leaked_tasks, unwatched
from tests.components.node_opcua import RealNodeOpcua
from tests.components.postgres import RealPostgres
from tests.components.prometheus import RealPrometheus
from tests.components.requirement import missing_component, require

TESTS = Path(__file__).resolve().parent
REPOSITORY = TESTS.parent
DATA_VARIABLE = "LINESIDE_DATA"


# A test that takes one of these starts a server, so it carries the marker whether its author thought of it or not.
MARKERS_OF_FIXTURES = {
    "kafka": "kafka",
    "own_kafka": "kafka",
    "postgres": "postgres",
    "own_postgres": "postgres",
    "chromium": "browser",
    "prometheus": "slow",
    "node_opcua": "slow",
    "own_node_opcua": "slow",
}
# Cheap folders first: a broken unit is known before any line runs. The longest file, of faults, is not last: the other
# process would have nothing to do meanwhile.
FOLDER_ORDER = ("unit", "contract", "cases", "repository", "components", "chart", "pipeline", "faults", "system")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the components they take, and order them by the cost of their folder."""
    for item in items:
        for fixture in getattr(item, "fixturenames", ()):
            if fixture in MARKERS_OF_FIXTURES:
                item.add_marker(MARKERS_OF_FIXTURES[fixture])
    items.sort(key=_folder_rank)


def _folder_rank(item: pytest.Item) -> int:
    folder = item.path.relative_to(TESTS).parts[0] if item.path.is_relative_to(TESTS) else ""
    return FOLDER_ORDER.index(folder) if folder in FOLDER_ORDER else len(FOLDER_ORDER)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Let an asynchronous test fail on tasks that it leaves running."""
    if isinstance(item, pytest.Function) and iscoroutinefunction(item.obj):
        item.obj = fail_on_leaked_tasks(item.obj)
    return (yield)


@pytest.fixture(autouse=True)
def no_leaks() -> Iterator[None]:
    """Fail a test that leaves non-daemon threads or processes behind.

    Fixtures of a wider scope are set up before this one, so their servers count as there; fixtures of the test itself
    are closed before it looks.
    """
    watch = LeakWatch()
    yield
    leaks = watch.leaks()
    if leaks:
        watch.kill_processes()
        pytest.fail("the test left behind: " + "; ".join(leaks), pytrace=False)


@pytest.fixture(scope="session")
def kafka() -> Iterator[RealKafka]:
    """The run's one Kafka. Use topic names of your own and leave it running; `own_kafka` is for stopping."""
    require("kafka")
    broker = RealKafka()
    with unwatched():
        broker.start()
    yield broker
    broker.close()


@pytest.fixture
def own_kafka() -> Iterator[RealKafka]:
    """A Kafka of this test alone, to stop, kill and pause: costs five seconds."""
    require("kafka")
    with RealKafka() as broker:
        yield broker


@pytest.fixture(scope="session")
def postgres() -> Iterator[RealPostgres]:
    """The run's one PostgreSQL server. Take databases from it and leave it running; `own_postgres` is for stopping."""
    require("postgres")
    server = RealPostgres()
    with unwatched():
        server.start()
    yield server
    server.close()


@pytest.fixture
def own_postgres() -> Iterator[RealPostgres]:
    """A PostgreSQL server of this test alone, to stop, kill and pause: costs a second."""
    require("postgres")
    with RealPostgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: RealPostgres) -> Iterator[str]:
    """SQLAlchemy's address of an empty database of this test alone."""
    url = postgres.fresh_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture
def prometheus() -> Iterator[Callable[..., RealPrometheus]]:
    """A function that starts a Prometheus server: `prometheus({"lineside": ["127.0.0.1:9100"]}, rules=[path])`."""
    require("prometheus")
    servers: list[RealPrometheus] = []

    def start(*args: object, **kwargs: object) -> RealPrometheus:
        server = RealPrometheus(*args, **kwargs)  # type: ignore[arg-type]  # the constructor's own, passed through
        servers.append(server)
        return server.start()

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def chromium() -> Iterator[RealChromium]:
    """A headless browser of this test alone. Not in `async` tests: see RealChromium."""
    require("chromium")
    with RealChromium() as browser:
        yield browser


@pytest.fixture
def chromium_page(chromium: RealChromium) -> Iterator[Page]:
    """A page in a headless browser; the test fails on exceptions, console errors and lost requests."""
    yield chromium.new_page()
    assert not chromium.errors, "\n".join(chromium.errors)


@pytest.fixture(scope="session")
def node_opcua() -> Iterator[RealNodeOpcua]:
    """The run's one node-opcua server. Leave it running; `own_node_opcua` is for stopping."""
    require("node_opcua")
    server = RealNodeOpcua()
    with unwatched():
        server.start()
    yield server
    server.close()


@pytest.fixture
def own_node_opcua() -> Iterator[RealNodeOpcua]:
    """A node-opcua server of this test alone, to stop, kill and restart."""
    require("node_opcua")
    with RealNodeOpcua() as server:
        yield server


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of test data: LINESIDE_DATA, else `shared/data` beside the checkout; skips where there is none."""
    named = os.environ.get(DATA_VARIABLE)
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        missing_component("data", f"no test data in {folder}: set {DATA_VARIABLE} to the folder of data sets")
    return folder
