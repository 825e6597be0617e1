"""What the plant made against what the history holds: nothing is lost, nothing is counted twice."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from lineside.plant.truth_ledger import read_truth
from storage.database import Database
from storage.history import History
from storage.history_filter import HistoryFilter
from storage.ledger import LedgerStore
from storage.objects import open_payload_store
from wire.errors import DecodeError
from wire.identifiers import inspection_id
from wire.inspection import Inspection
from wire.kafka.reader import read_topic
from wire.kafka.settings import KafkaSettings
from wire.sequence_set import SequenceSet
from wire.topics import FRAMES, dlq

RUBBISH = {"corrupt", "empty"}  # as the plant names what is wrong with a frame


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Every deviation by name; all empty = the promise was kept."""

    parts: int
    rows: int
    lost: tuple[str, ...]  # parts without a row that no sequence gap names
    repeated: tuple[str, ...]  # parts with more than one row
    invented: tuple[str, ...]  # rows of parts that the plant never made
    unquarantined: tuple[str, ...]  # corrupt files whose bytes are not in the dead letter queue
    unaccounted: int
    unbalanced: int

    @property
    def deviations(self) -> dict[str, Any]:
        """What is wrong, for an assertion that shows it."""
        found = {
            "lost": self.lost, "repeated": self.repeated, "invented": self.invented,
            "unquarantined": self.unquarantined, "unaccounted": self.unaccounted, "unbalanced": self.unbalanced,
        }  # fmt: skip
        return {name: value for name, value in found.items() if value}


def compare(*, truth_file: Path, database_url: str, objects_url: str, broker: KafkaSettings) -> Comparison:
    """Read truth, history, ledger and dead letters of a site that has come to rest."""
    database = Database(database_url)
    try:
        ledger = LedgerStore(database).read()
        gaps = {
            (source.source, session.session): session.gaps
            for line in ledger.lines
            for source in line.sources
            for session in source.sessions
        }
        truth = {_identify(part): part for part in read_truth(truth_file)}
        lines = sorted({part["line"] for part in truth.values()})
        rows = Counter(row.inspection_id for line in lines for row in _history(History(database), line))
        letters = set(_dead_letters(broker, objects_url))
        return Comparison(
            parts=len(truth),
            rows=rows.total(),
            lost=tuple(part["part_id"] for key, part in truth.items() if key not in rows and not _named(part, gaps)),
            repeated=tuple(str(key) for key, count in rows.items() if count > 1),
            invented=tuple(str(key) for key in rows if key not in truth),
            unquarantined=tuple(
                f"{part['part_id']}/{frame['modality']}"
                for part in truth.values()
                for frame in part["frames"]
                if frame["fault"] in RUBBISH and frame["file_sha256"] not in letters
            ),
            unaccounted=ledger.totals.unaccounted,
            unbalanced=ledger.totals.unbalanced,
        )
    finally:
        database.close()


def _identify(part: dict[str, Any]) -> UUID:
    return inspection_id(part["line"], part["trigger_session"], part["part_id"])


def _named(part: dict[str, Any], gaps: dict[tuple[str, str], SequenceSet]) -> bool:
    """Whether every frame of the part is a sequence gap that the ledger names."""
    return all(
        frame["sequence"] in gaps.get((frame["source"], frame["session"]), SequenceSet()) for frame in part["frames"]
    )


def _history(history: History, line: str) -> Iterator[Inspection]:
    cursor = None
    while True:
        page = history.page(HistoryFilter(line=line), limit=500, cursor=cursor)
        yield from (item.inspection for item in page.items)
        cursor = page.next_cursor
        if cursor is None:
            return


def _dead_letters(broker: KafkaSettings, objects_url: str) -> Iterator[str]:
    """sha256 of every quarantined payload, as it came or behind its claim."""
    objects = open_payload_store(objects_url)
    try:
        for record in read_topic(broker, dlq(FRAMES)):
            claim = dict(record.headers).get("ce_dataref")
            if claim is not None:
                try:
                    yield sha256(objects.get(claim.decode())).hexdigest()
                except DecodeError:
                    continue
            else:
                yield sha256(record.value or b"").hexdigest()
    finally:
        objects.close()
