"""What is decided about a verdict on its way back, and what the journal remembers."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from connectors.results.settings import ResultLine, ResultsSettings
from connectors.results.verdict import VerdictVersion, is_expired, is_late
from connectors.results.write_journal import WriteJournal
from tests.unit.wire.examples import made_inspection
from wire.errors import ConfigurationError
from wire.finding import ModalityState, ModalityVerdict, Verdict
from wire.settings_layers import load

FOLDER = Path(__file__).resolve().parents[3] / "connectors" / "results"
AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
LINE = ResultLine(line="plant1.hall2.line3", deadline_s=0.8, expire_s=20.0)
USED = ModalityVerdict(modality="rgb", state=ModalityState.USED, verdict=Verdict.OK)


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
    assert journal.begin(VerdictVersion.of(partial))
    assert not journal.begin(VerdictVersion.of(partial))
    journal.close()
    journal = WriteJournal(path)
    assert not journal.begin(VerdictVersion.of(partial))
    assert journal.begin(VerdictVersion.of(complete))
    assert not journal.begin(VerdictVersion.of(partial))  # it would take the better one back
    assert journal.begin(VerdictVersion.of(made_inspection(LINE.line, "P-2", AT)))
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
