"""Claiming inspection ids: the one place that decides whether a delivered result is new, better or a repetition."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, text, update

from storage.bulk_insert import insert_rows
from storage.result_rows import ResultRows
from storage.schema import inspection_keys

_CLAIM_POSTGRES = text(
    "INSERT INTO inspection_keys (inspection_id, captured_at, judged)"
    " SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:moments AS timestamptz[]), CAST(:judged AS smallint[]))"
    " ON CONFLICT DO NOTHING RETURNING replace(CAST(inspection_id AS text), '-', '')"
)
_KNOWN_SQLITE = "SELECT inspection_id FROM inspection_keys WHERE inspection_id IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True)
class Claims:
    """What may be written, by id (32 hex digits): new results, and results better than the stored ones.

    ``better``: the key row that stays (inspection_id, captured_at).
    """

    new: frozenset[str]
    better: Mapping[str, Any]

    def __contains__(self, identifier: str) -> bool:
        return identifier in self.new or identifier in self.better


def claim(connection: Connection, offered: Sequence[ResultRows]) -> Claims:
    """Claim each result's id, in the caller's transaction. ``offered`` holds each id once.

    A better result's key is locked and raised to its count of judged modalities; its old rows are still there.
    """
    if not offered:
        return Claims(frozenset(), {})
    # Two writers of the same results then wait for each other instead of deadlocking.
    ordered = sorted(offered, key=lambda each: each.identifier)
    claimed = _claim_postgres if connection.dialect.name == "postgresql" else _claim_sqlite
    new = claimed(connection, ordered)
    known = [each for each in ordered if each.identifier not in new]
    return Claims(new, _claim_better(connection, known) if known else {})


def _claim_postgres(connection: Connection, offered: Sequence[ResultRows]) -> frozenset[str]:
    parameters = {
        "ids": [each.identifier for each in offered],
        "moments": [each.captured_at for each in offered],
        "judged": [each.judged for each in offered],
    }
    return frozenset(connection.execute(_CLAIM_POSTGRES, parameters).scalars())


def _claim_sqlite(connection: Connection, offered: Sequence[ResultRows]) -> frozenset[str]:
    # Nobody else writes during this transaction, so looking first is safe, and asking for all at once is cheap.
    asked = json.dumps([each.identifier for each in offered])
    there = set(connection.exec_driver_sql(_KNOWN_SQLITE, (asked,)).scalars())
    rows = [(each.identifier, each.captured_at, each.judged) for each in offered if each.identifier not in there]
    insert_rows(connection, inspection_keys, rows)
    return frozenset(row[0] for row in rows)


def _claim_better(connection: Connection, known: Sequence[ResultRows]) -> dict[str, Any]:
    keys = inspection_keys.c
    judged = {each.inspection.inspection_id: each.judged for each in known}
    rows = connection.execute(
        select(inspection_keys)
        .where(keys.inspection_id.in_(list(judged)))
        .order_by(keys.inspection_id)
        .with_for_update()
    ).all()
    better = [row for row in rows if judged[row.inspection_id] > row.judged]
    for row in better:
        connection.execute(
            update(inspection_keys)
            .where(keys.inspection_id == row.inspection_id)
            .values(judged=judged[row.inspection_id])
        )
    return {row.inspection_id.hex: row for row in better}
