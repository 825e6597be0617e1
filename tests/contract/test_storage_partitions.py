from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, text

from storage.database import Database
from storage.history import History
from storage.history_filter import HistoryFilter
from storage.partitions import create_partitions, existing_months, is_partition, month_of
from storage.result_batch import ResultBatch
from storage.results import ResultSink
from tests.unit.storage.examples import inspection, part_key
from wire.inspection import Inspection

ON_POSTGRES = pytest.mark.parametrize(
    "database_url", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
NOW = datetime(2025, 11, 21, 12, 0, tzinfo=UTC)


def captured(number: int, at: datetime) -> Inspection:
    return inspection(number, captured_at=at)


def homes(database: Database) -> dict[str, str]:
    """Part id → the partition its row lies in."""
    with database.begin_read() as connection:
        rows = connection.execute(text("SELECT part_id, tableoid::regclass::text AS home FROM inspections"))
        return {row.part_id: row.home for row in rows}


def write(database: Database, *inspections: Inspection) -> None:
    ResultSink(database, now=lambda: NOW).write(ResultBatch(inspections=inspections))


@ON_POSTGRES
def test_a_migrated_database_has_this_month_and_the_next_two(database: Database) -> None:
    with database.begin_read() as connection:
        months = existing_months(connection)
    assert len(months) == 3
    assert months[0] == month_of(datetime.now(UTC))


@ON_POSTGRES
def test_a_month_gets_its_partition_when_its_first_part_comes(database: Database) -> None:
    write(
        database,
        captured(0, datetime(2025, 6, 30, 23, 59, 59, 999_999, tzinfo=UTC)),
        captured(1, datetime(2025, 7, 1, tzinfo=UTC)),
        captured(2, datetime(2024, 12, 31, 12, tzinfo=UTC)),
    )
    assert homes(database) == {
        "P000000": "inspections_y2025m06",
        "P000001": "inspections_y2025m07",
        "P000002": "inspections_y2024m12",
    }


@ON_POSTGRES
def test_a_wrong_clock_makes_no_partitions(database: Database) -> None:
    write(
        database,
        captured(0, datetime(1970, 1, 1, tzinfo=UTC)),
        captured(1, datetime(2106, 2, 7, tzinfo=UTC)),
        captured(2, NOW + timedelta(days=130)),
    )
    assert set(homes(database).values()) == {"inspections_default"}


@ON_POSTGRES
def test_parts_that_came_before_their_month_could_be_made_move_into_it(database: Database) -> None:
    in_spring = datetime(2026, 4, 9, tzinfo=UTC)
    write(database, captured(0, in_spring), captured(1, datetime(2106, 2, 7, tzinfo=UTC)))
    with database.begin_write() as connection:
        create_partitions(connection, [(2026, 4)], datetime(2026, 3, 1, tzinfo=UTC))
    assert homes(database) == {"P000000": "inspections_y2026m04", "P000001": "inspections_default"}
    stored = History(database).get(part_key(0))
    assert stored is not None
    assert stored.inspection == captured(0, in_spring)
    write(database, captured(0, in_spring))
    assert len(History(database).page(HistoryFilter(), 10).items) == 2


@ON_POSTGRES
def test_one_part_is_looked_up_in_one_partition(database: Database) -> None:
    write(database, *(captured(month, datetime(2025, month, 5, tzinfo=UTC)) for month in range(1, 11)))
    asked: list[tuple[str, object]] = []
    event.listen(
        database.engine, "before_cursor_execute", lambda _c, _k, sql, parameters, *_: asked.append((sql, parameters))
    )
    assert History(database).get(part_key(4)) is not None
    sql, parameters = next(each for each in asked if "FROM inspections" in each[0])
    with database.engine.connect() as connection:
        lines = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, COSTS OFF) {sql}", parameters).scalars().all()
    visited = [line for line in lines if " on inspections_" in line and "never executed" not in line]
    assert len(visited) == 1, lines
    assert "inspections_y2025m04" in visited[0]


def test_only_our_own_names_are_partitions() -> None:
    assert is_partition("inspections_y2025m04")
    assert is_partition("inspections_default")
    assert not is_partition("inspections")
    assert not is_partition("inspections_y2025m04_copy")
    assert not is_partition("reports_y2025m04")
