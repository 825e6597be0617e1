"""What an inspect worker looks up: lines with an active state each, in a database and an object store."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lineside.bench.known_lines import RECIPE, KnownLine
from storage.database import Database
from storage.line_states import LineStateStore
from storage.lines import LineRegistry
from storage.migrate import migrate
from storage.objects import open_payload_store
from wire.kafka.settings import KafkaSettings


class InspectSite:
    """``lines`` with their states, in an SQLite database and an object folder below ``folder``."""

    def __init__(self, folder: Path, lines: Sequence[KnownLine]) -> None:
        self.lines = lines
        self._objects = (folder / "objects").as_uri()
        self._database = f"sqlite:///{folder / 'inspect.db'}"
        self.payloads = open_payload_store(self._objects)
        migrate(self._database)
        database = Database(self._database)
        registry, states = LineRegistry(database), LineStateStore(database, self.payloads)
        for line in lines:
            registry.upsert(line.spec)
            states.add(line.state, parent=None, reason="learned", by="bench")
        database.close()

    def worker_settings(self, broker: KafkaSettings) -> dict[str, Any]:
        """The part of a worker's configuration that says where everything is."""
        return {
            "broker": broker.plain(),
            "database": self._database,
            "objects": self._objects,
            "recipe": RECIPE,
            "name": "bench-inspect",
        }

    def close(self) -> None:
        """Let go of the object store."""
        self.payloads.close()
