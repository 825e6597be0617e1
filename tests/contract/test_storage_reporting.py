"""The views that Grafana reads, through a role that can read nothing else. PostgreSQL alone has both."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from storage.database import Database
from storage.migrate import migrate
from storage.reader_role import grant_reader
from storage.result_batch import ResultBatch
from storage.results import ResultSink
from tests.components.postgres import RealPostgres
from tests.repository.grafana_dashboards import CHART, queries
from tests.unit.storage.examples import LINE, START, inspection, part_key, region, report
from wire.errors import ConfigurationError
from wire.finding import Verdict

# What Grafana's PostgreSQL data source makes of its macros, for the time of the examples.
BEFORE, AFTER = START - timedelta(hours=1), START + timedelta(hours=1)
MACROS = {
    "$__timeFilter(captured_at)": f"captured_at BETWEEN '{BEFORE.isoformat()}' AND '{AFTER.isoformat()}'",
    "$__timeGroupAlias(captured_at, $__interval)": "date_bin('1 minute', captured_at, '2001-01-01') AS \"time\"",
    "$line": f"'{LINE}'",
}


@pytest.fixture
def reader(postgres: RealPostgres) -> Iterator[psycopg.Connection[Any]]:
    """Logged in as a role that `lineside migrate --reader-role` made, on a history of four parts."""
    url = postgres.fresh_database(prepare=migrate)
    name = url.rsplit("/", 1)[1]
    database = Database(url)
    defects = [
        inspection(1, verdict=Verdict.DEFECT, regions=[region(0), region(1)]),
        inspection(2, verdict=Verdict.DEFECT, regions=[region(0, "dent")]),
    ]
    ResultSink(database).write(ResultBatch(inspections=[inspection(0), *defects, inspection(3)], reports=[report(2)]))
    database.close()
    assert grant_reader(url, f"grafana_{name}")
    assert not grant_reader(url, f"grafana_{name}"), "it is there already"
    with psycopg.connect(postgres.url(name).replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(f"ALTER ROLE grafana_{name} LOGIN")
        with psycopg.connect(host="127.0.0.1", port=postgres.port, user=f"grafana_{name}", dbname=name) as connection:
            yield connection
        admin.execute(f"DROP OWNED BY grafana_{name}")
        admin.execute(f"DROP ROLE grafana_{name}")
    postgres.drop_database(url)


@pytest.mark.postgres
def test_every_question_of_the_dashboard_is_answered_to_the_role(reader: psycopg.Connection[Any]) -> None:
    answers = []
    for query in queries(CHART / "dashboards/defect-history.json", "rawSql"):
        for macro, meaning in MACROS.items():
            query = query.replace(macro, meaning)
        answers.append(reader.execute(query).fetchall())
    parts, defective, share, unknown, pareto, by_line, by_type, by_product, last = answers
    assert (parts, defective, share, unknown) == ([(4,)], [(2,)], [(0.5,)], [(0,)])
    assert pareto == [("scratch", 2), ("dent", 1)]
    assert [(metric, count) for _, metric, count in by_line] == [(LINE, 2)]
    assert sorted((metric, count) for _, metric, count in by_type) == [("dent", 1), ("scratch", 2)]
    assert by_product == [("bracket", 2)]
    assert [row[-1] for row in last] == [str(part_key(2)), str(part_key(1)), str(part_key(1))]
    assert last[0][5] == "dent"
    assert last[0][-2] == report(2).summary
    assert last[1][-2] is None


@pytest.mark.postgres
def test_the_role_reads_the_views_and_nothing_else(reader: psycopg.Connection[Any]) -> None:
    for statements, refusal in (
        (["SELECT document FROM public.inspections"], "permission denied for table inspections"),
        (["SELECT * FROM public.commands"], "permission denied for table commands"),
        (["DELETE FROM reporting.inspections"], "permission denied for view inspections"),
        (["CREATE TABLE public.mine (a int)"], "cannot execute CREATE TABLE in a read-only transaction"),
        (
            ["SET transaction_read_only = off", "CREATE TABLE public.mine (a int)"],
            "permission denied for schema public",
        ),
    ):
        with pytest.raises(psycopg.Error, match=refusal):
            for statement in statements:
                reader.execute(statement)
        reader.rollback()


def test_sqlite_has_no_roles(tmp_path: Any) -> None:
    with pytest.raises(ConfigurationError, match="--reader-role: sqlite has no roles; only PostgreSQL has"):
        grant_reader(f"sqlite:///{tmp_path}/lineside.db", "grafana")
