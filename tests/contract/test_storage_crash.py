"""A writer that is killed leaves whole batches only."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from storage.database import Database
from storage.history import History
from storage.ledger import LedgerStore
from storage.result_batch import ResultBatch
from storage.results import ResultSink
from storage.schema import inspection_keys, inspections, modality_verdicts, reports
from tests.unit.storage.examples import inspection, report
from wire.finding import Verdict

REPOSITORY = Path(__file__).resolve().parents[2]
BATCH = 25
WRITER = """
import sys
from tests.contract.test_storage_crash import batch
from storage.database import Database
from storage.results import ResultSink

sink = ResultSink(Database(sys.argv[1]))
number = int(sys.argv[2])
while True:
    sink.write(batch(number))
    print(number, flush=True)
    number += 1
"""


def batch(number: int) -> ResultBatch:
    parts = range(number * BATCH, (number + 1) * BATCH)
    return ResultBatch(inspections=[inspection(part) for part in parts], reports=[report(part) for part in parts])


@pytest.mark.slow
def test_a_killed_writer_leaves_no_half_batch(database: Database, database_url: str) -> None:
    chance = random.Random(20250314)
    begin = 0
    for _ in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, database_url, str(begin)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        acknowledged = [int(process.stdout.readline()) for _ in range(3)]
        # Somewhere in the middle of one of the next batches.
        deadline = time.monotonic() + chance.uniform(0.0, 0.05)
        while time.monotonic() < deadline:
            pass
        os.kill(process.pid, signal.SIGKILL)
        acknowledged += [int(line) for line in process.stdout.read().split()]
        process.wait()
        process.stdout.close()
        with database.begin_read() as connection:
            counts = {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (inspections, inspection_keys, modality_verdicts, reports)
            }
        parts = counts["inspections"]
        assert parts % BATCH == 0
        assert parts >= (acknowledged[-1] + 1) * BATCH
        assert counts == {
            "inspections": parts,
            "inspection_keys": parts,
            "modality_verdicts": 2 * parts,
            "reports": parts,
        }
        assert History(database).verdict_counts()[Verdict.OK] == parts
        assert History(database).newest_seq() == parts
        totals = LedgerStore(database).read().totals
        assert (totals.used, totals.redelivered, totals.gap) == (3 * parts, 0, 0)
        begin = parts // BATCH
    # Whoever takes over delivers the last batches again.
    again = ResultSink(database).write(batch(begin - 1))
    assert (len(again.inserted), again.redelivered) == (0, BATCH)
