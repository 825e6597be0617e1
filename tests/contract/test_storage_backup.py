"""A site's history is backed up, lost and brought back: database and objects, of either kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.backup import Manifest, back_up, restore
from storage.database import Database
from storage.history import History
from storage.history_filter import HistoryFilter
from storage.ledger import LedgerStore
from storage.line_states import LineStateStore
from storage.objects import ObjectPayloadStore, open_payload_store
from storage.result_batch import ResultBatch
from storage.results import ResultSink
from tests.unit.storage.examples import LINE, evidence, inspection, line_state, region, report
from wire.errors import ConfigurationError
from wire.finding import Verdict


@pytest.fixture
def payloads(tmp_path: Path) -> ObjectPayloadStore:
    return open_payload_store(f"file://{tmp_path}/objects")


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Iterator[str]:
    """The address of a database without any table, of the same kind as the site's."""
    if database_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'elsewhere' / 'lineside.db'}"
        return
    server = request.getfixturevalue("postgres")
    url = server.fresh_database()
    yield url
    server.drop_database(url)


def write(database: Database, payloads: ObjectPayloadStore, number: int) -> None:
    name = f"{number}.png"
    payloads.put(f"evidence/{name}", f"picture {number}".encode())
    part = inspection(number, verdict=Verdict.DEFECT, regions=[region(0)], refs=[evidence(name)])
    ResultSink(database).write(ResultBatch(inspections=[part], reports=[report(number)]))


def pictures(history: History, payloads: ObjectPayloadStore) -> dict[str, bytes]:
    """What a quality engineer sees: each part with the bytes of its picture."""
    items = history.page(HistoryFilter(line=LINE), 100).items
    return {each.inspection.part_id: payloads.get(each.inspection.evidence[0].ref) for each in items}


def test_what_was_backed_up_is_there_again_in_another_database_and_another_object_store(
    database: Database, database_url: str, payloads: ObjectPayloadStore, empty_url: str, tmp_path: Path
) -> None:
    states = LineStateStore(database, payloads)
    for number in range(5):
        write(database, payloads, number)
    version = states.add(line_state(), parent=None, reason="learned", by="t")
    ledger = LedgerStore(database).read()
    first = back_up(database_url, payloads, tmp_path / "backup")
    write(database, payloads, 5)  # after the backup: not in it
    assert first.objects == 6, "five pictures and the tensors"

    with_backup = open_payload_store(f"file://{tmp_path}/other-objects")
    restore(tmp_path / "backup", empty_url, with_backup)

    restored = Database(empty_url)
    restored.ensure_current()
    seen = pictures(History(restored), with_backup)
    assert seen == {f"P{number:06}": f"picture {number}".encode() for number in range(5)}
    product = line_state().metadata.product
    loaded = LineStateStore(restored, with_backup).load(LINE, product, version.version)
    original = states.load(LINE, product, version.version)
    assert {name: tensor.tobytes() for name, tensor in loaded.tensors.items()} == {
        name: tensor.tobytes() for name, tensor in original.tensors.items()
    }
    assert LedgerStore(restored).read() == ledger
    write(restored, with_backup, 6)  # and it goes on
    assert len(pictures(History(restored), with_backup)) == 6
    restored.close()

    second = back_up(database_url, payloads, tmp_path / "backup")
    assert second.objects == 7


def test_a_backup_that_is_not_whole_is_refused(
    database: Database, database_url: str, payloads: ObjectPayloadStore, empty_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    with pytest.raises(ConfigurationError, match=r"manifest.json: no finished backup lies here"):
        restore(folder, empty_url, payloads)
    write(database, payloads, 0)
    manifest = back_up(database_url, payloads, folder)
    assert Manifest.read(folder) == manifest
    with pytest.raises(ConfigurationError, match="is not empty; restore into a new database"):
        restore(folder, database_url, payloads)
    file = folder / manifest.sql_file
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ConfigurationError, match="is damaged: it is not the file that was written"):
        restore(folder, empty_url, payloads)
