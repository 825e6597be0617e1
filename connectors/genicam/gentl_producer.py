"""A vendor's GenTL producer, opened once in this process: GenTL gives a producer's system to one opener at a time."""

import threading
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from connectors.errors import SourceUnavailable


class GentlProducer:
    """Shared by the cameras that it serves; ``use`` and ``leave`` come in pairs. Thread-safe.

    Cameras are looked for when its first user comes: while one of them streams, a producer is not asked again. One that
    appears later is seen once all have left, which a camera does that is not found.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._harvester: Any = None
        self._users = 0

    def use(self) -> None:
        """Open it, unless it is open. What the library raises passes through."""
        with self._lock:
            if self._harvester is None:
                harvester = harvesters_core().Harvester()
                try:
                    harvester.add_file(str(self._path))
                    harvester.update()
                except BaseException:
                    harvester.reset()
                    raise
                self._harvester = harvester
            self._users += 1

    def leave(self) -> None:
        """Close it behind its last user."""
        with self._lock:
            self._users -= 1
            if not self._users:
                harvester, self._harvester = self._harvester, None
                harvester.reset()

    def cameras(self) -> Sequence[Mapping[str, Any]]:
        """What it saw, by GenTL's names of properties; one that it does not tell is None."""
        return [one.property_dict for one in self._harvester.device_info_list]

    def open(self, device_id: str) -> Any:
        """Harvesters' acquirer of one camera. What the library raises passes through."""
        with self._lock:
            return self._harvester.create({"id_": device_id})


@cache
def producer(path: Path) -> GentlProducer:
    """The one of this process for a file."""
    return GentlProducer(path)


def harvesters_core() -> ModuleType:
    """Loaded when a producer is configured: an extra with a licence of its own, 20 MB. SourceUnavailable names it."""
    try:
        core: ModuleType = import_module("harvesters.core")
    except ImportError as error:
        message = f"{error}; producers need harvesters: pip install 'lineside[gentl]'"
        raise SourceUnavailable(message, retry_after_s=60.0) from error
    return core


def gentl_errors() -> tuple[type[Exception], ...]:
    """What harvesters and the GenICam reference implementation raise about a camera or a producer."""
    harvesters_core()
    from genicam import genapi, gentl

    return (
        gentl.GenericException,
        genapi.GenericException,
        OSError,
        ValueError,
        RuntimeError,
        AttributeError,
        TypeError,
    )
