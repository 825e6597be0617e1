"""Retention, once a day, as a process of its own."""

import sys
from collections.abc import Callable
from typing import Final

from lineside.child import Child, ChildSpec, describe_exit
from lineside.data_folder import DataFolder

# A minute after the start everything runs; a site that is up for one shift a day must be cleaned, too.
_FIRST_S: Final = 60.0
_EVERY_S: Final = 24 * 3600.0
# A database that is away comes back; an hour later nothing has grown out of bounds.
_AGAIN_S: Final = 3600.0


def retention_command(folder: DataFolder, *, database: str, objects: str) -> ChildSpec:
    """``lineside retention`` for a site; the addresses may hold passwords, so they are no arguments."""
    return ChildSpec(
        name="retention",
        command=[sys.executable, "-m", "lineside", "retention"],
        log=folder.log("retention"),
        environment={"LINESIDE_DATABASE": database, "LINESIDE_OBJECTS": objects},
    )


class DailyRetention:
    """Starts the command when it is due; ``now_s`` is any clock that counts from the site's start.

    ``under_way``: it runs, or its end was not noticed yet. Use from the main thread only.
    """

    def __init__(self, spec: ChildSpec, tell: Callable[[str], None]) -> None:
        self._child = Child(spec)
        self._tell = tell
        self._due_s = _FIRST_S
        self.under_way = False

    def look(self, now_s: float) -> None:
        """Start what is due, and tell when it failed; call it every second or so."""
        if self.under_way:
            if not self._child.running:
                self._end(now_s)
        elif now_s >= self._due_s:
            self._child.start()
            self.under_way = True

    def stop(self) -> None:
        """End it where it is; the next run goes on."""
        self._child.kill()
        self._child.wait(1.0)

    def _end(self, now_s: float) -> None:
        self.under_way = False
        self._child.wait(0.0)
        code = self._child.last_exit or 0
        self._due_s = now_s + (_EVERY_S if code == 0 else _AGAIN_S)
        if code != 0:
            self._tell(
                f"retention ended ({describe_exit(code)}); next start in {_AGAIN_S / 60:g} min, "
                f"see {self._child.spec.log}"
            )
