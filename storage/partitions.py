"""Monthly partitions of ``inspections`` on PostgreSQL; SQLite has none and every function does nothing there."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import Connection, text

DEFAULT_PARTITION = "inspections_default"

# Months made before they are needed: a writer that finds its month never has to make one while results wait.
_MONTHS_AHEAD = 2
# A device with a wrong clock may name any year: months further away than these share the default partition, so that
# it cannot make thousands of partitions. Ten years back covers an import of a plant's history.
_MONTHS_BACK_AT_MOST = 120
_MONTHS_AHEAD_AT_MOST = 3

_PARTITION = re.compile(r"inspections_(default|y(?P<year>\d{4})m(?P<month>\d{2}))\Z")
_LOCK = 7_238_114_905_220_032

Month = tuple[int, int]


def is_partition(table: str) -> bool:
    """Whether ``table`` is the name of a partition of ``inspections``."""
    return _PARTITION.match(table) is not None


def month_of(moment: datetime) -> Month:
    """(year, month) in UTC."""
    moment = moment.astimezone(UTC)
    return moment.year, moment.month


def create_partitions_ahead(connection: Connection, now: datetime) -> None:
    """Make this month's partition and the next ones'."""
    year, month = month_of(now)
    create_partitions(connection, [_shift((year, month), ahead) for ahead in range(_MONTHS_AHEAD + 1)], now)


def create_partitions(connection: Connection, months: Iterable[Month], now: datetime) -> None:
    """Make the partitions of ``months`` that do not exist yet; rows that lay in the default partition move over.

    Months too far from ``now`` are left to the default partition.
    """
    if connection.dialect.name != "postgresql":
        return
    today = _number(month_of(now))
    wanted = {m for m in months if today - _MONTHS_BACK_AT_MOST <= _number(m) <= today + _MONTHS_AHEAD_AT_MOST}
    if not wanted:
        return
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    for month in sorted(wanted - set(existing_months(connection))):
        _create(connection, month)


def existing_months(connection: Connection) -> list[Month]:
    """The months that have a partition, oldest first."""
    if connection.dialect.name != "postgresql":
        return []
    names = connection.execute(
        text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'inspections'::regclass")
    ).scalars()
    found = [match for name in names if (match := _PARTITION.match(name)) and match["year"]]
    return sorted((int(match["year"]), int(match["month"])) for match in found)


def drop_empty_partitions(connection: Connection, *, before: datetime) -> int:
    """Drop every month that ended before ``before`` and has no rows left; the number of partitions dropped."""
    dropped = 0
    for month in existing_months(connection):
        if _number(month) >= _number(month_of(before)):
            break
        # While it waits for the lock, everybody else waits for it: better to fail and to try another day.
        connection.execute(text("SET LOCAL lock_timeout = '2s'"))
        connection.execute(text(f"LOCK TABLE {_name(month)} IN ACCESS EXCLUSIVE MODE"))
        if connection.execute(text(f"SELECT NOT EXISTS (SELECT FROM {_name(month)})")).scalar_one():
            connection.execute(text(f"DROP TABLE {_name(month)}"))
            dropped += 1
    return dropped


def _create(connection: Connection, month: Month) -> None:
    name, (year, number), (next_year, next_number) = _name(month), month, _shift(month, 1)
    lower, upper = f"'{year:04}-{number:02}-01 00:00+00'", f"'{next_year:04}-{next_number:02}-01 00:00+00'"
    connection.execute(
        text(f"CREATE TABLE {name} (LIKE inspections INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)")
    )
    connection.execute(
        text(
            f"WITH moved AS (DELETE FROM {DEFAULT_PARTITION} WHERE captured_at >= {lower} AND captured_at < {upper}"
            f" RETURNING *) INSERT INTO {name} SELECT * FROM moved"
        )
    )
    # Attaching lets readers and writers go on, where CREATE TABLE ... PARTITION OF would lock them all out.
    connection.execute(text(f"ALTER TABLE inspections ATTACH PARTITION {name} FOR VALUES FROM ({lower}) TO ({upper})"))


def _name(month: Month) -> str:
    return f"inspections_y{month[0]:04}m{month[1]:02}"


def _number(month: Month) -> int:
    return month[0] * 12 + month[1] - 1


def _shift(month: Month, months: int) -> Month:
    year, index = divmod(_number(month) + months, 12)
    return year, index + 1
