"""What is decided about a verdict on its way back, and what the journal remembers."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from connectors.results.settings import ResultLine, ResultsSettings
from connectors.results.verdict import VerdictVersion, is_expired, is_late
from connectors.results.write_journal import Begun, WriteJournal
from tests.unit.wire.examples import made_inspection
from wire.errors import ConfigurationError
from wire.finding import ModalityState, ModalityVerdict, Verdict
from wire.inspection import Inspection
from wire.settings_layers import load

FOLDER = Path(__file__).resolve().parents[3] / "connectors" / "results"
AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
LINE = ResultLine(line="plant1.hall2.line3", deadline_s=0.8, expire_s=20.0)
USED = ModalityVerdict(modality="rgb", state=ModalityState.USED, verdict=Verdict.OK)


def begun(inspection: Inspection, counter: int = 1) -> Begun:
    return Begun(
        version=VerdictVersion.of(inspection),
        line=LINE.line,
        part_id=inspection.part_id or "",
        counter_before=counter - 1,
        counter=counter,
    )


@pytest.mark.parametrize(("age_s", "late", "expired"), [(0.8, False, False), (0.9, True, False), (20.5, True, True)])
def test_the_age_since_the_trigger_decides(age_s: float, late: bool, expired: bool) -> None:
    inspection, now = made_inspection(LINE.line, "P-1", AT), AT + timedelta(seconds=age_s)
    assert is_late(inspection, LINE, now) is late
    assert is_expired(inspection, LINE, now) is expired


def test_a_version_is_written_once_even_by_the_next_process_and_a_more_complete_one_again(tmp_path: Path) -> None:
    partial = made_inspection(LINE.line, "P-1", AT, is_partial=True)
    complete = partial.model_copy(update={"modalities": (USED,)})
    path = tmp_path / "new" / "journal"
    journal = WriteJournal(path)
    assert journal.begin(begun(partial))
    assert not journal.begin(begun(partial))
    journal.close()
    journal = WriteJournal(path)
    assert not journal.begin(begun(partial))
    assert journal.begin(begun(complete))
    assert not journal.begin(begun(partial))  # it would take the better one back
    assert journal.begin(begun(made_inspection(LINE.line, "P-2", AT)))
    journal.close()


def test_what_is_not_settled_is_there_for_the_next_process_with_its_counters(tmp_path: Path) -> None:
    first, second, third = (begun(made_inspection(LINE.line, f"P-{number}", AT), number) for number in (1, 2, 3))
    journal = WriteJournal(tmp_path / "journal")
    for one in (first, second, third):
        assert journal.begin(one)
    journal.settle(first.version)
    journal.close()
    journal = WriteJournal(tmp_path / "journal")
    assert journal.unsettled(LINE.line) == [second, third]
    assert journal.unsettled("plant1.hall2.line9") == []
    journal.forget(second.version)
    journal.settle(third.version)
    assert journal.unsettled(LINE.line) == []
    assert journal.begin(second)  # it had not arrived
    assert not journal.begin(third)
    journal.close()


def test_a_journal_of_an_earlier_version_is_read_on(tmp_path: Path) -> None:
    old = begun(made_inspection(LINE.line, "P-1", AT))
    database = sqlite3.connect(tmp_path / "journal")
    database.execute("CREATE TABLE writes (result_id TEXT PRIMARY KEY, modalities INTEGER NOT NULL, at REAL NOT NULL)")
    now_s = datetime.now(UTC).timestamp()
    database.execute("INSERT INTO writes VALUES (?, ?, ?)", (str(old.version.result_id), old.version.modalities, now_s))
    database.commit()
    database.close()
    journal = WriteJournal(tmp_path / "journal")
    assert not journal.begin(old)
    assert journal.unsettled(LINE.line) == []
    assert journal.begin(begun(made_inspection(LINE.line, "P-2", AT)))
    journal.close()


def test_a_journal_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_text("a note, and quite a long one, so that it is no empty database\n" * 100)
    with pytest.raises(ConfigurationError, match=r"journal: .*journal cannot be used"):
        WriteJournal(path)


def test_the_sample_loads_and_every_key_is_in_the_readme() -> None:
    settings = load(FOLDER / "results.yaml", ResultsSettings)
    assert settings.lines[0].plc is not None
    text = (FOLDER / "README.md").read_text() + (FOLDER.parent / "opcua" / "README.md").read_text()
    models = (ResultsSettings, ResultLine, type(settings.lines[0].plc), type(settings.lines[0].plc.nodes))
    assert [name for model in models for name in model.model_fields if name not in text] == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"expire_s": 0.1}, "expire_s 0.1 is below deadline_s 0.8"),
        ({"plc": None}, "plant1.hall2.line3, plant1.hall2.line4 has no receiver"),
    ],
)
def test_a_line_without_sense_is_refused(change: dict[str, object], message: str) -> None:
    content = yaml.safe_load((FOLDER / "results.yaml").read_text())
    content["lines"][0].update(change)
    del content["vision_system"]
    if "plc" not in change:
        content["lines"].pop()
    with pytest.raises(ValidationError, match=message.replace(".", r"\.")):
        ResultsSettings.model_validate(content)
