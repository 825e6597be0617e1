"""A dashboard over a small SQLite history, asked through ASGI."""

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml

from dashboard.app import build_app
from dashboard.keys import Role, hash_of
from dashboard.settings import DashboardSettings
from storage.database import Database
from storage.lines import LineRegistry
from storage.migrate import migrate
from storage.objects import open_payload_store
from storage.result_batch import ResultBatch
from storage.results import ResultSink
from tests.unit.dashboard.made_parts import LINE, OTHER_LINE, made_part, made_report
from tests.unit.dashboard.recording_sender import RecordingSender
from wire.finding import Verdict
from wire.inspection import Inspection
from wire.line_state import LineSpec
from wire.payload_store import PayloadStore

KEYS = {role: f"ls_test_key_of_{role}" for role in Role}


@dataclass(frozen=True)
class Template:
    """A migrated, filled history that each test copies: migrating and drawing anew would cost each half a second."""

    folder: Path
    parts: list[Inspection]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    folder = tmp_path_factory.mktemp("dashboard")
    (folder / "objects").mkdir()
    url = f"sqlite:///{folder}/history.db"
    migrate(url)
    database, payloads = Database(url), open_payload_store(f"file://{folder}/objects")
    parts = fill(database, payloads)
    payloads.close()
    database.close()
    return Template(folder, parts)


@pytest.fixture
def url(template: Template, tmp_path: Path) -> str:
    (tmp_path / "sql").mkdir()
    shutil.copy(template.folder / "history.db", tmp_path / "sql" / "history.db")
    return f"sqlite:///{tmp_path}/sql/history.db"


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    handle = Database(url)
    yield handle
    handle.close()


@pytest.fixture
def payloads(template: Template, tmp_path: Path) -> Iterator[PayloadStore]:
    shutil.copytree(template.folder / "objects", tmp_path / "objects")
    store = open_payload_store(f"file://{tmp_path}/objects")
    yield store
    store.close()


@pytest.fixture
def sender() -> RecordingSender:
    return RecordingSender()


@pytest.fixture
def parts(template: Template) -> list[Inspection]:
    return template.parts


def fill(database: Database, payloads: PayloadStore) -> list[Inspection]:
    """Ten parts of one line, oldest first: 4 a scratch with a report, 7 a dent, 8 unknown; then one of another line."""
    registry = LineRegistry(database)
    registry.upsert(LineSpec(line=LINE, display_name="Tiles 1", expected_modalities=("rgb", "depth", "sensor")))
    registry.upsert(LineSpec(line=OTHER_LINE, display_name="Tiles 2"))
    verdicts = {4: Verdict.DEFECT, 7: Verdict.DEFECT, 8: Verdict.UNKNOWN}
    made = [
        made_part(
            payloads,
            number,
            verdict=verdicts.get(number, Verdict.OK),
            defect_type="dent" if number == 7 else "scratch",
            depth=number == 4,
            sensor=number == 4,
            partial=number == 7,
        )
        for number in range(10)
    ]
    made.append(made_part(payloads, 100, line=OTHER_LINE, product="", state_version=None))
    store(database, made)
    return made


def store(database: Database, made: list[Inspection]) -> None:
    """Write inspections, and a report for each defective one."""
    reports = [made_report(part) for part in made if part.verdict is Verdict.DEFECT]
    ResultSink(database).write(ResultBatch(inspections=made, reports=reports))


@pytest.fixture
def settings(url: str, tmp_path: Path) -> DashboardSettings:
    return DashboardSettings(
        database=url, objects=f"file://{tmp_path}/objects", broker={"bootstrap": "127.0.0.1:9092"}, pages=False
    )


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.yaml"
    entries = [{"name": role.value, "role": role.value, "sha256": hash_of(key)} for role, key in KEYS.items()]
    path.write_text(yaml.safe_dump({"keys": entries}))
    return path


@pytest.fixture
async def ask(
    database: Database, payloads: PayloadStore, sender: RecordingSender
) -> AsyncIterator[Callable[..., object]]:
    """A function that opens a client on an app with these settings."""
    async with AsyncExitStack() as stack:

        async def open_client(settings: DashboardSettings, **headers: str) -> httpx.AsyncClient:
            transport = httpx.ASGITransport(build_app(settings, database, payloads, sender), raise_app_exceptions=False)
            client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers)
            return await stack.enter_async_context(client)

        yield open_client


@pytest.fixture
async def client(ask: Callable[..., object], settings: DashboardSettings, parts: list[Inspection]) -> httpx.AsyncClient:
    """A client on the filled history, without keys."""
    return await ask(settings)  # type: ignore[misc, no-any-return]
