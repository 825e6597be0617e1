"""Who may do what: the roles matrix, keys, sessions, foreign pages."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import yaml

from dashboard.app import build_app
from dashboard.errors import NotIdentified
from dashboard.gate import COOKIE, Gate
from dashboard.keys import KeyRing, Principal, Role, hash_of, new_key
from dashboard.settings import DashboardSettings
from storage.database import Database
from tests.unit.dashboard.conftest import KEYS
from tests.unit.dashboard.made_parts import LINE
from tests.unit.dashboard.recording_sender import RecordingSender
from wire.errors import ConfigurationError
from wire.inspection import Inspection
from wire.payload_store import PayloadStore

Open = Callable[..., "httpx.AsyncClient"]
PARTS_BODY = "parts"

READS = [
    "/api/v1/inspections",
    "/api/v1/review",
    "/api/v1/lines",
    f"/api/v1/lines/{LINE}",
    f"/api/v1/lines/{LINE}/states",
    f"/api/v1/lines/{LINE}/activations",
    f"/api/v1/lines/{LINE}/references",
    f"/api/v1/lines/{LINE}/commands",
    "/api/v1/ledger",
    "/api/v1/statistics/timeline",
    "/api/v1/statistics/pareto",
    "/api/v1/statistics/latency",
    "/api/v1/me",
]
COMMANDS = [
    ("accept", PARTS_BODY, Role.OPERATOR),
    ("reject", PARTS_BODY, Role.OPERATOR),
    ("rebuild", {}, Role.ENGINEER),
    ("set-rate", {"false_alarm_rate": 0.02}, Role.ENGINEER),
    ("describe", {"normality": "round"}, Role.ENGINEER),
    ("set-threshold", {"modality": "fused", "threshold": 3.5}, Role.ENGINEER),
]


@pytest.fixture
def guarded(settings: DashboardSettings, keys_file: Path) -> DashboardSettings:
    return settings.model_copy(update={"keys_file": keys_file})


@pytest.mark.parametrize("path", READS)
async def test_reading_needs_a_key(ask: Open, guarded: DashboardSettings, parts: list[Inspection], path: str) -> None:
    client = await ask(guarded)
    refused = await client.get(path)
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, 'Bearer realm="lineside"')
    assert refused.headers["content-type"] == "application/problem+json"
    assert (await client.get(path, headers={"X-API-Key": KEYS[Role.VIEWER]})).status_code == 200


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize(("verb", "body", "needed"), COMMANDS)
async def test_each_command_asks_for_its_role(
    ask: Open,
    guarded: DashboardSettings,
    parts: list[Inspection],
    sender: RecordingSender,
    role: Role,
    verb: str,
    body: object,
    needed: Role,
) -> None:
    client = await ask(guarded, **{"X-API-Key": KEYS[role]})
    json = {"inspections": [str(parts[4].inspection_id)]} if body == PARTS_BODY else body
    answer = await client.post(f"/api/v1/lines/{LINE}/{verb}", json=json)
    allowed = list(Role).index(role) >= list(Role).index(needed)
    assert answer.status_code == (202 if allowed else 403)
    assert len(sender.sent) == (1 if allowed else 0)
    if not allowed:
        assert answer.json()["detail"] == f"{role} is {role}; this needs the role {needed}"


async def test_a_bearer_token_is_a_key(ask: Open, guarded: DashboardSettings, parts: list[Inspection]) -> None:
    client = await ask(guarded, Authorization=f"Bearer {KEYS[Role.ENGINEER]}")
    assert (await client.get("/api/v1/me")).json() == {"name": "engineer", "role": "engineer"}


async def test_an_unknown_key_is_refused(ask: Open, guarded: DashboardSettings, parts: list[Inspection]) -> None:
    answer = await (await ask(guarded)).get("/api/v1/me", headers={"X-API-Key": "guess"})
    assert (answer.status_code, answer.json()["detail"]) == (401, "the API key is not known")


async def test_a_key_is_replaced_without_a_moment_in_which_neither_opens(
    ask: Open, guarded: DashboardSettings, parts: list[Inspection], keys_file: Path
) -> None:
    """As helm/README.md says: the new one beside the old one, then the old one away, a restart after each."""
    old, new = {"X-API-Key": KEYS[Role.OPERATOR]}, {"X-API-Key": "ls_renewed"}
    before = keys_of(keys_file)
    (mine,) = [entry for entry in before if entry["role"] == "operator"]
    renewed = {**mine, "name": "operator-2", "sha256": hash_of("ls_renewed")}

    async def answers(keys: list[dict[str, str]]) -> list[int]:
        write_keys(keys_file, keys)
        client = await ask(guarded)
        return [(await client.get("/api/v1/me", headers=headers)).status_code for headers in (old, new)]

    assert await answers(before) == [200, 401]
    assert await answers([*before, renewed]) == [200, 200]
    assert await answers([*(entry for entry in before if entry is not mine), renewed]) == [401, 200]


def keys_of(file: Path) -> list[dict[str, str]]:
    keys: list[dict[str, str]] = yaml.safe_load(file.read_text())["keys"]
    return keys


def write_keys(file: Path, keys: list[dict[str, str]]) -> None:
    file.write_text(yaml.safe_dump({"keys": keys}))


async def test_health_and_version_need_no_key(ask: Open, guarded: DashboardSettings, parts: list[Inspection]) -> None:
    client = await ask(guarded)
    assert (await client.get("/api/v1/health")).json() == {"status": "ok"}
    assert (await client.get("/api/v1/version")).json() == {"version": "0.1.0", "api": "v1"}


async def test_without_keys_the_person_at_the_machine_is_an_engineer(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/me")).json() == {"name": "local", "role": "engineer"}


async def test_without_keys_other_host_names_are_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/lines", headers={"Host": "evil.example"})
    assert answer.status_code == 400


async def test_a_foreign_page_cannot_command_a_line(
    client: httpx.AsyncClient, parts: list[Inspection], sender: RecordingSender
) -> None:
    answer = await client.post(f"/api/v1/lines/{LINE}/rebuild", json={}, headers={"Origin": "https://evil.example"})
    assert (answer.status_code, sender.sent) == (403, [])
    assert answer.json()["detail"] == "requests from pages of https://evil.example are refused"


async def test_an_open_address_without_keys_is_refused(
    database: Database, payloads: PayloadStore, sender: RecordingSender, settings: DashboardSettings
) -> None:
    with pytest.raises(
        ConfigurationError, match=r"set host to 127\.0\.0\.1, or make a key with 'python -m dashboard key"
    ):
        build_app(settings.model_copy(update={"host": "0.0.0.0"}), database, payloads, sender)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
async def test_loopback_needs_no_keys(
    database: Database, payloads: PayloadStore, sender: RecordingSender, settings: DashboardSettings, host: str
) -> None:
    assert not build_app(
        settings.model_copy(update={"host": host}), database, payloads, sender
    ).state.services.gate.asks_for_keys


def test_a_session_carries_its_principal(guarded: DashboardSettings) -> None:
    gate = Gate.open(guarded)
    session = gate.login(KEYS[Role.OPERATOR])
    assert gate.principal({}, {COOKIE: session}) == Principal(name="operator", role=Role.OPERATOR)


def test_a_forged_session_is_nobody(guarded: DashboardSettings) -> None:
    gate = Gate.open(guarded)
    body, _, signature = gate.login(KEYS[Role.OPERATOR]).partition(".")
    of_another_server = Gate.open(guarded).login(KEYS[Role.OPERATOR])
    for cookie in (f"{body}.{signature[::-1]}", of_another_server, "x", ""):
        with pytest.raises(NotIdentified):
            gate.principal({}, {COOKIE: cookie})


def test_a_session_ends(guarded: DashboardSettings, keys_file: Path) -> None:
    gate = Gate(KeyRing.read(keys_file), secret=b"s", session_s=-1)
    with pytest.raises(NotIdentified):
        gate.principal({}, {COOKIE: gate.login(KEYS[Role.VIEWER])})


def test_keys_are_random_and_kept_as_hashes() -> None:
    first, second = new_key(), new_key()
    assert first != second
    assert len(first) > 40
    # sha256 of "abc" is FIPS 180-2's own example.
    assert hash_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("keys: []", "keys: Tuple should have at least 1 item"),
        ("keys: [{name: a, role: boss, sha256: 0}]", "keys.0.role: Input should be 'viewer', 'operator' or 'engineer'"),
        ("key: 1", "key: Extra inputs are not permitted"),
        ("keys: [", "is not YAML"),
        (
            "keys:\n" + "\n".join(f"- {{name: a, role: viewer, sha256: {'0' * 63}{at}}}" for at in "ab"),
            "keys: the name 'a' is there twice",
        ),
    ],
)
def test_a_wrong_keys_file_names_file_and_key(tmp_path: Path, content: str, problem: str) -> None:
    path = tmp_path / "keys.yaml"
    path.write_text(content)
    with pytest.raises(ConfigurationError) as caught:
        KeyRing.read(path)
    assert any(text.startswith(f"{path}: {problem}") for text in caught.value.problems), caught.value.problems


def test_a_missing_keys_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot be read \(No such file or directory\)"):
        KeyRing.read(tmp_path / "none.yaml")
