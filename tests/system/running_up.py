"""`lineside up` in a folder of its own, as a test starts it and asks it."""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from lineside.plant.truth_ledger import read_truth
from lineside.site import SiteFile
from storage.database import Database
from storage.history import History
from storage.history_filter import HistoryFilter
from tests.components.child_process import ChildProcess
from tests.components.waiting import wait_until
from wire.identifiers import inspection_id
from wire.inspection import Inspection

# A site starts a dozen interpreters, of which two load torch: up to a minute on two busy cores before it streams.
START_DEADLINE_S = 180.0
LINES = ("demo.hall1.line1", "demo.hall1.line2")


def command(*arguments: str | Path) -> list[str | Path]:
    return [sys.executable, "-m", "lineside", *arguments]


class Up:
    """A running `lineside up` in a folder of its own."""

    def __init__(self, folder: Path, *options: str | Path) -> None:
        self.folder = folder / "site"
        self.summary_file = folder / "summary.json"
        self.process = ChildProcess(
            command(
                "up", "--data-dir", self.folder, "--summary", self.summary_file, "--port", "0", "--telemetry-port", "0",
                "--learning-parts", "6", *options,
            ),
            log_path=folder / "up.log",
        )  # fmt: skip

    def log(self) -> str:
        return self.process.log_path.read_text(errors="replace")

    def child_log(self, name: str) -> str:
        """The log of one of the site's processes."""
        file = self.folder / "logs" / f"{name}.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def interrupt(self) -> None:
        """Ctrl-C."""
        os.kill(self.process.pid, signal.SIGINT)

    def wait_until_log(self, text: str, deadline_s: float) -> None:
        def said() -> bool:
            found = text in self.log()
            if not found:
                self.process.ensure_alive()
            return found

        wait_until(said, deadline_s, lambda: f"{text!r} in\n{self.process.log_tail()}")

    def wait_until_ended(self, deadline_s: float) -> None:
        wait_until(lambda: not self.process.is_alive, deadline_s, lambda: f"the end\n{self.process.log_tail()}")

    @property
    def site(self) -> SiteFile:
        found = SiteFile.read(self.folder / "site.json")
        assert found is not None
        return found

    @property
    def summary(self) -> dict[str, Any]:
        summary: dict[str, Any] = json.loads(self.summary_file.read_text())
        return summary

    def truth(self) -> dict[str, dict[str, Any]]:
        """Part by inspection id."""
        return {
            str(inspection_id(part["line"], part["trigger_session"], part["part_id"])): part
            for part in read_truth(self.folder / "plant" / "truth.jsonl")
        }

    def rows(self) -> list[Inspection]:
        database = Database(self.site.database)
        try:
            pages = [History(database).page(HistoryFilter(line=line), limit=10_000) for line in LINES]
            return [item.inspection for page in pages for item in page.items]
        finally:
            database.close()
