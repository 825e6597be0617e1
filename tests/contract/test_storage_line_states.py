import threading
from datetime import timedelta
from uuid import uuid4

import numpy as np
import pytest

from storage.database import Database
from storage.line_states import LineStateStore
from storage.objects import ObjectPayloadStore, open_payload_store
from tests.unit.storage.examples import LINE, START, line_state
from wire.errors import DecodeError
from wire.line_state import StateActivated


@pytest.fixture
def payloads() -> ObjectPayloadStore:
    return open_payload_store("memory:")


@pytest.fixture
def states(database: Database, payloads: ObjectPayloadStore) -> LineStateStore:
    return LineStateStore(database, payloads)


def activated(version: int, *, at_s: float, product: str = "bracket") -> StateActivated:
    return StateActivated(
        line=LINE, product=product, version=version, digest="d", activated_at=START + timedelta(seconds=at_s), by="eva"
    )


def test_versions_count_from_one_per_line_and_product(states: LineStateStore) -> None:
    first = states.add(line_state(), parent=None, reason="learned", by="learning")
    second = states.add(line_state(offset=1), parent=1, reason="rebuilt", by="eva")
    other = states.add(line_state(product="plate"), parent=None, reason="learned", by="learning")
    assert (first.version, second.version, other.version) == (1, 2, 1)
    assert (second.parent_version, second.reason) == (1, "rebuilt")
    assert states.list(LINE) == [second, first, other]
    assert states.list(LINE, "plate") == [other]
    assert states.list("plant1.hall2.line4") == []


def test_a_state_comes_back_with_its_tensors(states: LineStateStore) -> None:
    references = (uuid4(), uuid4())
    metadata = states.add(line_state(references=references), parent=None, reason="learned", by="learning")
    loaded = states.load(LINE, "bracket", 1)
    assert loaded.metadata == metadata == states.metadata(LINE, "bracket", 1)
    assert loaded.metadata.references == references
    assert loaded.metadata.calibrations["rgb"].scores == (1.0, 1.5)
    np.testing.assert_array_equal(loaded.tensors["rgb.bank"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(loaded.tensors["depth.bank"], [[0.5], [-0.5]])
    assert loaded.tensors["rgb.bank"].dtype == np.float32


def test_tensors_that_lie_transposed_in_memory_come_back_right(states: LineStateStore) -> None:
    state = line_state()
    bank = np.arange(6, dtype=np.float32).reshape(3, 2).T
    tensors = {"rgb.bank": bank}
    states.add(type(state)(metadata=state.metadata, tensors=tensors), parent=None, reason="learned", by="x")
    np.testing.assert_array_equal(states.load(LINE, "bracket", 1).tensors["rgb.bank"], [[0, 2, 4], [1, 3, 5]])


def test_equal_tensors_are_stored_once(states: LineStateStore, payloads: ObjectPayloadStore) -> None:
    one = states.add(line_state(), parent=None, reason="learned", by="x")
    two = states.add(line_state(), parent=1, reason="rebuilt", by="x")
    assert one.digest == two.digest
    assert len(list(payloads.objects("states"))) == 1


def test_an_unknown_version_is_a_lookup_error(states: LineStateStore) -> None:
    for ask in (states.load, states.metadata):
        with pytest.raises(LookupError, match=f"line '{LINE}', product 'bracket' has no state version 4"):
            ask(LINE, "bracket", 4)


def test_tensors_that_are_gone_or_changed_are_noticed(states: LineStateStore, payloads: ObjectPayloadStore) -> None:
    states.add(line_state(), parent=None, reason="learned", by="x")
    states.add(line_state(offset=1), parent=None, reason="learned", by="x")
    one, other = (found.key for found in payloads.objects("states"))
    swapped = payloads.get(other)
    payloads.put(one, swapped)
    failed = []
    for version in (1, 2):
        try:
            states.load(LINE, "bracket", version)
        except DecodeError as error:
            failed.append(error.reason)
    assert failed == ["object_corrupt"]
    payloads.delete(one)
    payloads.delete(other)
    with pytest.raises(DecodeError, match="object_missing"):
        states.load(LINE, "bracket", 1)


def test_two_builders_never_get_the_same_version(database: Database, states: LineStateStore) -> None:
    versions: list[int] = []

    def add(offset: int) -> None:
        for _ in range(5):
            versions.append(states.add(line_state(offset=offset), parent=None, reason="rebuilt", by="x").version)

    threads = [threading.Thread(target=add, args=(offset,)) for offset in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(versions) == list(range(1, 16))


def test_an_event_is_decided_with_the_newest_activation_at_or_below_it(states: LineStateStore) -> None:
    for version, offset in ((1, 100), (2, 250), (1, 300)):
        states.record_activation(activated(version, at_s=offset), cluster="c", partition=3, offset=offset)
    states.record_activation(activated(9, at_s=0, product="plate"), cluster="c", partition=3, offset=10)

    def at(offset: int) -> int | None:
        return states.active_at(LINE, "bracket", cluster="c", partition=3, offset=offset)

    assert [at(offset) for offset in (99, 100, 249, 250, 299, 300, 10**9)] == [None, 1, 1, 2, 2, 1, 1]
    assert states.active(LINE, "bracket") == 1
    assert states.active(LINE, "plate") == 9
    assert states.active(LINE, "bolt") is None


def test_on_a_new_broker_a_line_goes_on_with_what_it_knew(states: LineStateStore) -> None:
    states.record_activation(activated(1, at_s=1), cluster="old", partition=0, offset=700)
    states.record_activation(activated(2, at_s=2), cluster="old", partition=0, offset=900)
    assert states.active_at(LINE, "bracket", cluster="new", partition=0, offset=0) == 2
    states.record_activation(activated(3, at_s=3), cluster="new", partition=0, offset=50)
    assert states.active_at(LINE, "bracket", cluster="new", partition=0, offset=49) == 2
    assert states.active_at(LINE, "bracket", cluster="new", partition=0, offset=50) == 3
    assert states.active_at(LINE, "bracket", cluster="old", partition=0, offset=800) == 1


def test_an_activation_is_recorded_once(states: LineStateStore) -> None:
    for _ in range(2):
        states.record_activation(activated(1, at_s=1), cluster="c", partition=0, offset=5)
    states.record_activation(activated(2, at_s=2), cluster="c", partition=0, offset=9)
    found = states.activations(LINE)
    assert [(each.version, each.offset, each.by, each.activated_at) for each in found] == [
        (2, 9, "eva", START + timedelta(seconds=2)),
        (1, 5, "eva", START + timedelta(seconds=1)),
    ]


def test_an_offset_that_a_broker_gives_again_belongs_to_the_later_message(states: LineStateStore) -> None:
    states.record_activation(activated(4, at_s=40), cluster="c", partition=0, offset=5)
    states.record_activation(activated(7, at_s=70), cluster="c", partition=0, offset=5)
    states.record_activation(activated(4, at_s=40), cluster="c", partition=0, offset=5)
    assert [each.version for each in states.activations(LINE)] == [7]
