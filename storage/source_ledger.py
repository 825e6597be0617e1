"""Recording the heartbeats of the sources (table ``source_ledger``)."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from storage.bulk_insert import clean_text
from storage.locked_rows import Key, lock_rows, write_back
from storage.schema import source_ledger
from storage.session_ledger import SessionLedger
from wire.ledger import Heartbeat


def record_heartbeats(connection: Connection, heartbeats: Iterable[Heartbeat], heard_at: datetime) -> None:
    """Merge ``heartbeats`` into the ledgers of their sessions."""
    by_session: dict[Key, list[Heartbeat]] = {}
    for heartbeat in heartbeats:
        key = (heartbeat.line, clean_text(heartbeat.source), clean_text(heartbeat.session))
        by_session.setdefault(key, []).append(heartbeat)
    if not by_session:
        return
    fresh = {**SessionLedger().to_columns(), "heard_at": heard_at}
    rows = lock_rows(connection, source_ledger, by_session, fresh)
    changed = {}
    for key, row in rows.items():
        ledger = SessionLedger.from_columns(row)
        for heartbeat in by_session[key]:
            ledger.merge(heartbeat)
        changed[key] = {**ledger.to_columns(), "heard_at": heard_at}
    write_back(connection, source_ledger, changed)
