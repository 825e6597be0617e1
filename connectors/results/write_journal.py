"""What was written to PLCs, on disk: so that a verdict is written at most once, whatever is killed when."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from connectors.results.verdict import VerdictVersion
from wire.errors import ConfigurationError

# Kafka delivers again what lies behind the last commit: minutes. A week also covers offsets that were reset by hand.
_REMEMBERED: Final = timedelta(days=7)
_TIDY_EVERY: Final = 1000


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
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError([f"journal: {path} cannot be used: {error}"]) from error
        self._begun = 0

    def begin(self, version: VerdictVersion) -> bool:
        """Remember that this is about to be written. False if it, or a more complete one, was written before."""
        changed = self._database.execute(
            "INSERT INTO writes VALUES (?, ?, ?) ON CONFLICT (result_id) DO UPDATE"
            " SET modalities = excluded.modalities, at = excluded.at WHERE excluded.modalities > modalities",
            (str(version.result_id), version.modalities, datetime.now(UTC).timestamp()),
        ).rowcount
        self._begun += 1
        if self._begun % _TIDY_EVERY == 0:
            oldest = (datetime.now(UTC) - _REMEMBERED).timestamp()
            self._database.execute("DELETE FROM writes WHERE at < ?", (oldest,))
        return changed == 1

    def close(self) -> None:
        """Close the file."""
        self._database.close()
