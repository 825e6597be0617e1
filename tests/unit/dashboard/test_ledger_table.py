"""The ledger page's tables."""

from dashboard.pages.ledger_table import ledger_table
from storage.event_block import EventBlock
from storage.ledger import Ledger, LineAccount, SourceAccount
from storage.ledger_account import LostBudget, session_account
from storage.session_ledger import SessionLedger
from wire.ledger import SpoolState
from wire.sequence_set import SequenceSet

LINE = "plant1.hall2.line3"


def source(name: str, spool: SpoolState | None) -> SourceAccount:
    said = SessionLedger(captured=SequenceSet.parse("0-9"), spooled=SequenceSet.parse("0-9"), spool=spool)
    return SourceAccount(f"{LINE}/{name}", [session_account("s1", said, EventBlock(), LostBudget(remaining={}))])


def test_a_spool_in_use_is_told_once_for_all_sources_of_its_connector() -> None:
    state = SpoolState(size_bytes=612_000_000, limit_bytes=1_073_741_824, oldest_s=3600.0)
    empty = SpoolState(size_bytes=0, limit_bytes=1_073_741_824, oldest_s=0.0)
    sources = [source("camera1", state), source("camera2", state), source("plc", empty), source("old", None)]
    table = str(ledger_table(Ledger([LineAccount(LINE, sources, {})])))
    words = "612 MB of 1074 MB on disk, the oldest for 60 min"
    assert table.count(f"Spool of {LINE}/camera1: {words}") == 1
    assert table.count("Spool of") == 1
    assert table.count(f'title="{words}"') == 2
