import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage.objects import ObjectPayloadStore, open_payload_store
from tests.components.waiting import wait_until
from wire.errors import ConfigurationError, DecodeError, ObjectStoreUnavailable

REPOSITORY = Path(__file__).resolve().parents[2]
KEY = "evidence/ab/abcdef.png"


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ObjectPayloadStore]:
    opened = open_payload_store("memory:" if request.param == "memory" else (tmp_path / "objects with ä").as_uri())
    yield opened
    opened.close()


def test_what_was_put_is_got(store: ObjectPayloadStore) -> None:
    data = bytes(range(256)) * 5000
    store.put(KEY, data)
    store.put("evidence/ab/empty", b"")
    assert store.get(KEY) == data
    assert type(store.get(KEY)) is bytes
    assert store.get("evidence/ab/empty") == b""
    assert store.exists(KEY)
    assert not store.exists("evidence/ab")


@pytest.mark.parametrize("key", [KEY, "evidence", "../../etc/hostname", "/etc/hostname", "", "a//b", "a/./b", "ä\n"])
def test_what_was_never_put_is_missing_whatever_its_key(store: ObjectPayloadStore, key: str) -> None:
    store.put("evidence/zz/other.png", b"x")
    with pytest.raises(DecodeError) as caught:
        store.get(key)
    assert caught.value.reason == "object_missing"
    assert not store.exists(key)


def test_a_repeated_put_changes_no_bytes_and_refreshes_the_time(store: ObjectPayloadStore) -> None:
    store.put(KEY, b"same")
    first = store.modified_at(KEY)
    assert first is not None
    wait_until(lambda: datetime.now(UTC) > first + timedelta(milliseconds=20), 5, "the clock to move on")
    store.put(KEY, b"same")
    second = store.modified_at(KEY)
    assert second is not None
    assert second > first
    assert store.get(KEY) == b"same"


def test_deleting_is_silent_when_nothing_is_there(store: ObjectPayloadStore) -> None:
    store.put(KEY, b"x")
    store.delete(KEY)
    store.delete(KEY)
    assert not store.exists(KEY)
    assert store.modified_at(KEY) is None


def test_objects_and_folders_are_listed_below_a_prefix(store: ObjectPayloadStore) -> None:
    for key in ("payloads/l1/2025/a.png", "payloads/l1/2024/b.png", "payloads/l2/2025/cc.png", "payload/x"):
        store.put(key, key.encode())
    assert store.folders("payloads") == ["payloads/l1", "payloads/l2"]
    assert store.folders("payloads/l1") == ["payloads/l1/2024", "payloads/l1/2025"]
    assert store.folders("nothing") == []
    found = sorted((each.key, each.size) for each in store.objects("payloads/l1"))
    assert found == [("payloads/l1/2024/b.png", 22), ("payloads/l1/2025/a.png", 22)]


def test_threads_may_share_a_store(store: ObjectPayloadStore) -> None:
    def work(number: int) -> None:
        for at in range(20):
            store.put(f"evidence/{at}", bytes([at]) * 1000)
            assert store.get(f"evidence/{at}") == bytes([at]) * 1000

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(store.objects("evidence"))) == 20


def test_a_store_that_is_away_is_unavailable(tmp_path: Path) -> None:
    blocked = tmp_path / "objects"
    store = open_payload_store(blocked.as_uri())
    store.put(KEY, b"x")
    # A file where the folder should be: nobody, not even root, can write there.
    (blocked / "evidence" / "cd").write_bytes(b"")
    with pytest.raises(ObjectStoreUnavailable, match=r"evidence/cd/new\.png"):
        store.put("evidence/cd/new.png", b"x")


def test_a_service_that_does_not_answer_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "here",
    }.items():
        monkeypatch.setenv(name, value)
    store = open_payload_store("s3://lineside/plant1")
    with pytest.raises(ObjectStoreUnavailable, match=r"s3://lineside/plant1: evidence/ab/abcdef\.png"):
        store.put(KEY, b"x")
    store.close()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("/var/objects", "expected file:///FOLDER, s3://BUCKET/PREFIX, gs://… or az://…"),
        ("file://server/share", "a folder is written file:///FOLDER"),
        ("ftp://host/folder", "objects: ftp://host/folder cannot be opened"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(url: str, reason: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_payload_store(url)
    assert reason in str(caught.value)


@pytest.mark.slow
def test_a_killed_process_leaves_whole_objects_only(tmp_path: Path) -> None:
    size = 3_000_000
    code = (
        "import sys; from storage.objects import open_payload_store\n"
        f"store = open_payload_store({tmp_path.as_uri()!r})\n"
        f"for number in range(100_000): store.put(f'evidence/{{number}}', bytes([number % 256]) * {size});"
        " print(number, flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(20)]
    os.kill(process.pid, signal.SIGKILL)
    acknowledged += [int(line) for line in process.stdout.read().split()]
    process.wait()
    process.stdout.close()
    store = open_payload_store(tmp_path.as_uri())
    there = {each.key: each.size for each in store.objects("evidence")}
    assert set(there.values()) == {size}
    assert there.keys() >= {f"evidence/{number}" for number in acknowledged}
    assert store.get(f"evidence/{acknowledged[-1]}") == bytes([acknowledged[-1] % 256]) * size
