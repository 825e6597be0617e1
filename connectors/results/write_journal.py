"""What was written to PLCs, on disk: so that a verdict is written at most once, whatever is killed when.

A verdict is in it before the PLC can see it, with the counters of the handshake before and behind it. What is not
settled when a writer comes back is compared with the PLC's own counter, which tells whether it arrived.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from connectors.results.verdict import VerdictVersion
from wire.errors import ConfigurationError

# Kafka delivers again what lies behind the last commit: minutes. A week also covers offsets that were reset by hand.
_REMEMBERED: Final = timedelta(days=7)
_TIDY_EVERY: Final = 1000
# Columns that a journal of an earlier version lacks; what it holds is settled.
_ADDED: Final = {
    "line": "TEXT NOT NULL DEFAULT ''",
    "part_id": "TEXT NOT NULL DEFAULT ''",
    "counter_before": "INTEGER NOT NULL DEFAULT 0",
    "counter": "INTEGER NOT NULL DEFAULT 0",
    "settled": "INTEGER NOT NULL DEFAULT 1",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """A write that is about to happen: the PLC's counter goes from ``counter_before`` to ``counter``."""

    version: VerdictVersion
    line: str
    part_id: str
    counter_before: int
    counter: int


class WriteJournal:
    """A SQLite file. ``begin`` is on disk before it returns; used by one thread."""

    def __init__(self, path: Path) -> None:
        """ConfigurationError if the file cannot be used."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, isolation_level=None, timeout=10)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS writes"
                " (result_id TEXT PRIMARY KEY, modalities INTEGER NOT NULL, at REAL NOT NULL) WITHOUT ROWID"
            )
            there = {row[1] for row in self._database.execute("PRAGMA table_info(writes)")}
            for name, kind in _ADDED.items():
                if name not in there:
                    self._database.execute(f"ALTER TABLE writes ADD COLUMN {name} {kind}")
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError([f"journal: {path} cannot be used: {error}"]) from error
        self._begun = 0

    def begin(self, begun: Begun) -> bool:
        """Remember that this is about to be written. False if it, or a more complete one, was written before."""
        version, now_s = begun.version, datetime.now(UTC).timestamp()
        changed = self._database.execute(
            "INSERT INTO writes (result_id, modalities, at, line, part_id, counter_before, counter, settled)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT (result_id) DO UPDATE"
            " SET modalities = excluded.modalities, at = excluded.at, counter_before = excluded.counter_before,"
            " counter = excluded.counter, settled = 0 WHERE excluded.modalities > modalities",
            (
                str(version.result_id), version.modalities, now_s, begun.line, begun.part_id, begun.counter_before,
                begun.counter,
            ),
        ).rowcount  # fmt: skip
        self._begun += 1
        if self._begun % _TIDY_EVERY == 0:
            oldest = (datetime.now(UTC) - _REMEMBERED).timestamp()
            self._database.execute("DELETE FROM writes WHERE at < ?", (oldest,))
        return changed == 1

    def settle(self, version: VerdictVersion) -> None:
        """It is known, or given up, what became of this write."""
        self._database.execute("UPDATE writes SET settled = 1 WHERE result_id = ?", (str(version.result_id),))

    def forget(self, version: VerdictVersion) -> None:
        """This write never reached the PLC: it may be done."""
        self._database.execute("DELETE FROM writes WHERE result_id = ?", (str(version.result_id),))

    def unsettled(self, line: str) -> Sequence[Begun]:
        """Writes of a line of which it is not known whether they reached the PLC, oldest first."""
        rows = self._database.execute(
            "SELECT result_id, modalities, part_id, counter_before, counter FROM writes"
            " WHERE line = ? AND settled = 0 ORDER BY at",
            (line,),
        ).fetchall()
        return [
            Begun(
                version=VerdictVersion(result_id=UUID(result_id), modalities=modalities),
                line=line,
                part_id=part_id,
                counter_before=before,
                counter=counter,
            )
            for result_id, modalities, part_id, before, counter in rows
        ]

    def close(self) -> None:
        """Close the file."""
        self._database.close()
