"""The cache of line states."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from storage.database import Database
from storage.line_states import LineStateStore
from storage.objects import open_payload_store
from stream.line_states import LineStates
from tests.unit.stream.made_records import LINE
from wire.line_state import LineSpec, LineState, StateMetadata

MODEL = "5c" * 32
TENSOR_BYTES = 400


def state(value: float, *, model: str = MODEL) -> LineState:
    return LineState(
        metadata=StateMetadata(
            line=LINE,
            product="bolt",
            version=0,
            recipe="scripted",
            model_digest=model,
            spec=LineSpec(line=LINE),
            calibrations={},
            references=(),
            digest="",
            created_at=datetime.now(UTC),
        ),
        tensors={"rgb.bank": np.full((10, 10), value, np.float32)},
    )


@pytest.fixture
def store(database: Database, tmp_path: Path) -> LineStateStore:
    return LineStateStore(database, open_payload_store(f"file://{tmp_path}/objects"))


def cache(store: LineStateStore, budget_bytes: int = 10 * TENSOR_BYTES) -> LineStates:
    return LineStates(store, model_digest=MODEL, budget_bytes=budget_bytes)


def test_state_is_read_once(store: LineStateStore) -> None:
    store.add(state(1.0), parent=None, reason="learned", by="t")
    states = cache(store)
    assert states.cached((LINE, "bolt", 1)) == (False, None)
    loaded = states.load((LINE, "bolt", 1))
    assert loaded is not None
    assert loaded.tensors["rgb.bank"][0, 0] == 1.0
    assert states.cached((LINE, "bolt", 1)) == (True, loaded)


def test_least_recently_used_states_leave_when_the_budget_is_exceeded(store: LineStateStore) -> None:
    for value in (1.0, 2.0, 3.0):
        store.add(state(value), parent=None, reason="learned", by="t")
    states = cache(store, budget_bytes=2 * TENSOR_BYTES)
    for version in (1, 2):
        states.load((LINE, "bolt", version))
    states.cached((LINE, "bolt", 1))
    states.load((LINE, "bolt", 3))
    assert [states.cached((LINE, "bolt", version))[0] for version in (1, 2, 3)] == [True, False, True]


def test_every_version_is_read_whole_while_others_arrive_and_leave(store: LineStateStore) -> None:
    for value in (1.0, 2.0, 3.0):
        store.add(state(value), parent=None, reason="learned", by="t")
    states = cache(store, budget_bytes=TENSOR_BYTES)  # each read pushes another version out

    def read(start: int) -> list[tuple[int, int, set[float]]]:
        found = []
        for number in range(start, start + 30):
            wanted = number % 3 + 1
            loaded = states.load((LINE, "bolt", wanted))
            assert loaded is not None
            found.append((wanted, loaded.metadata.version, set(loaded.tensors["rgb.bank"].ravel().tolist())))
        return found

    with ThreadPoolExecutor(3) as readers:
        reading = [readers.submit(read, start) for start in range(3)]
        for value in range(4, 10):
            store.add(state(float(value)), parent=value - 1, reason="rebuilt", by="t")
        for answers in reading:
            assert all(version == wanted and values == {float(wanted)} for wanted, version, values in answers.result())
    newest = states.load((LINE, "bolt", 9))
    assert newest is not None
    assert newest.tensors["rgb.bank"][0, 0] == 9


def test_state_larger_than_the_budget_is_used_nevertheless(store: LineStateStore) -> None:
    store.add(state(1.0), parent=None, reason="learned", by="t")
    states = cache(store, budget_bytes=1)
    assert states.load((LINE, "bolt", 1)) is not None


def test_version_of_another_model_gives_way_to_its_nearest_ancestor_of_this_one(store: LineStateStore) -> None:
    store.add(state(1.0), parent=None, reason="learned", by="t")
    store.add(state(2.0, model="77" * 32), parent=1, reason="model", by="t")
    loaded = cache(store).load((LINE, "bolt", 2))
    assert loaded is not None
    assert loaded.metadata.version == 1


def test_line_whose_state_is_lost_goes_on_without_memory(store: LineStateStore, tmp_path: Path) -> None:
    store.add(state(1.0), parent=None, reason="learned", by="t")
    for file in (tmp_path / "objects").rglob("*.safetensors"):
        file.unlink()
    assert cache(store).load((LINE, "bolt", 1)) is None
    assert cache(store).load((LINE, "bolt", 9)) is None
