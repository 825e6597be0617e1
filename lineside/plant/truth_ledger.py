"""The plant's ledger of truth: one line of JSON per part, synced before anything of the part can be seen outside.

Whatever is killed whenever, truth contains everything that the devices delivered; tests compare it with SQL.
"""

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from wire.timestamps import to_rfc3339


@dataclass(frozen=True, kw_only=True)
class TrueFrame:
    """One frame as the camera numbered it. ``fault`` is None for a frame that is delivered whole, once and in time."""

    source: str
    session: str
    sequence: int
    modality: str
    file_sha256: str
    fault: str | None = None
    origin: str = ""


@dataclass(frozen=True, kw_only=True)
class TruePart:
    """One part as the plant made it. ``faults``: everything that was done to the part, its PLC values included."""

    line: str
    part_id: str
    trigger_session: str
    counter: int
    triggered_at: datetime
    product: str
    defect: bool | None
    defect_type: str
    defect_modalities: tuple[str, ...]
    commissioning: bool
    faults: tuple[str, ...]
    frames: tuple[TrueFrame, ...]

    def as_json(self) -> str:
        """One line of the ledger, without its line end."""
        return json.dumps({**asdict(self), "triggered_at": to_rfc3339(self.triggered_at)}, separators=(",", ":"))


class TruthLedger:
    """Appends parts to ``truth.jsonl``. Thread-safe. What ``append`` was given survives any kill once it returns.

    On OSError (a full disk) nothing of the part is in the file.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        self._lock = threading.Lock()
        if self._file.tell() and not _ends_with_newline(path):
            self._file.write(b"\n")  # the line that a kill cut short stays as it is; readers skip it

    def append(self, part: TruePart) -> None:
        """Write one part and sync."""
        with self._lock:
            end = os.fstat(self._file.fileno()).st_size
            try:
                rest = memoryview(part.as_json().encode() + b"\n")
                while rest:
                    rest = rest[self._file.write(rest) :]
                os.fsync(self._file.fileno())
            except OSError:
                self._file.truncate(end)
                raise

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def read_truth(path: Path) -> Iterator[dict[str, Any]]:
    """Every whole line of a truth ledger, oldest first; a line that a kill cut short is skipped."""
    with path.open(encoding="utf-8", errors="replace") as file:
        for text in file:
            try:
                yield json.loads(text)
            except json.JSONDecodeError:
                continue
