import threading

from storage.database import Database
from storage.lines import LineRegistry
from tests.unit.storage.examples import LINE
from wire.line_state import LineSpec

OTHER_LINE = "plant1.hall2.line4"


def test_a_line_that_nobody_described_has_no_specification(database: Database) -> None:
    assert LineRegistry(database).get(LINE) is None
    assert LineRegistry(database).all() == []


def test_the_last_specification_of_a_line_stays(database: Database) -> None:
    registry = LineRegistry(database)
    registry.upsert(LineSpec(line=LINE, display_name="Presse 3", false_alarm_rate=0.02))
    changed = LineSpec(line=LINE, display_name="Presse 3 'neu'", expected_modalities=("rgb", "depth"), mm_per_px=0.05)
    registry.upsert(changed)
    assert registry.get(LINE) == changed
    assert registry.all() == [changed]


def test_an_unknown_line_gets_the_default_and_a_known_one_keeps_its_own(database: Database) -> None:
    registry = LineRegistry(database)
    own = LineSpec(line=LINE, learning_parts=12)
    registry.upsert(own)
    assert registry.ensure(LINE) == own
    assert registry.ensure(OTHER_LINE) == LineSpec(line=OTHER_LINE)
    assert registry.all() == [own, LineSpec(line=OTHER_LINE)]


def test_two_workers_that_meet_a_new_line_agree(database: Database) -> None:
    found: list[LineSpec] = []
    threads = [threading.Thread(target=lambda: found.append(LineRegistry(database).ensure(LINE))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [LineSpec(line=LINE)] * 4
