"""How fast the result sink writes, against a bare executemany upsert of the same rows in the same transactions."""

import time
from pathlib import Path
from typing import Final

from lineside.bench.bare_upsert import BareDatabase, Batch
from lineside.bench.comparison import Comparison, Direction
from lineside.bench.interleaving import interleave
from lineside.bench.made_results import made_results
from lineside.bench.settings import Scale
from storage.database import Database
from storage.migrate import current, migrate
from storage.result_batch import ResultBatch
from storage.results import ResultSink
from wire.errors import ConfigurationError
from wire.inspection import Inspection

AIM: Final = 0.8


def bench_store(folder: Path, database: str | None, scale: Scale) -> list[Comparison]:
    """Measure SQLite in ``folder`` and, if named, the empty PostgreSQL ``database``, which is empty again afterwards.

    ConfigurationError if that database has tables of the product.
    """
    found = [_compare("SQLite", f"sqlite:///{folder / 'store.db'}", scale)]
    if database is not None:
        if current(database) is not None:
            raise ConfigurationError(["--database: has the product's tables; give the benchmarks an empty database"])
        found.append(_compare("PostgreSQL", database, scale))
    return found


def _compare(name: str, url: str, scale: Scale) -> Comparison:
    rig = _Rig(url, scale)
    try:
        rig.sink()  # also makes the rows that both sides write
        rig.upsert()
        product, baseline = interleave(rig.sink, rig.upsert, scale.repetitions)
    finally:
        migrate(url, to="base")
    return Comparison(
        name=f"store, {name}",
        unit="results/s",
        product_side="ResultSink.write",
        baseline_side="bare executemany upsert",
        product=product,
        baseline=baseline,
        aim=AIM,
        direction=Direction.AT_LEAST,
        note=f"{scale.store_batches} transactions of {scale.store_batch} results, {rig.rows} rows",
    )


class _Rig:
    """Both sides over the same results; each call of ``sink`` and ``upsert`` is one measurement on empty tables."""

    def __init__(self, url: str, scale: Scale) -> None:
        self._url = url
        self._size = scale.store_batch
        # As the store gets them: read from the documents that inspect wrote.
        documents = [result.to_json() for result in made_results(scale.store_batches * self._size)]
        self._count = len(documents)
        self._results = [
            ResultBatch(
                inspections=[Inspection.from_json(document) for document in documents[at : at + self._size]],
                documents=documents[at : at + self._size],
            )
            for at in range(0, self._count, self._size)
        ]
        self._rows: list[Batch] = []

    @property
    def rows(self) -> int:
        """How many rows one measurement writes, in all tables."""
        return sum(len(rows) for batch in self._rows for rows in batch.values())

    def sink(self) -> float:
        """Results per second of the product."""
        self._empty()
        database = Database(self._url)
        try:
            sink = ResultSink(database)
            sink.write(ResultBatch())  # opens the connection
            begun = time.perf_counter()
            for batch in self._results:
                sink.write(batch)
            rate = self._count / (time.perf_counter() - begun)
        finally:
            database.close()
        if not self._rows:
            bare = BareDatabase(self._url)
            self._rows = bare.capture(self._size)
            bare.close()
        return rate

    def upsert(self) -> float:
        """Results per second of the bare driver."""
        self._empty()
        bare = BareDatabase(self._url)
        try:
            begun = time.perf_counter()
            for batch in self._rows:
                bare.write(batch)
            return self._count / (time.perf_counter() - begun)
        finally:
            bare.close()

    def _empty(self) -> None:
        migrate(self._url, to="base")
        migrate(self._url)
