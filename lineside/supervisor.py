"""Keeps a set of child processes alive, and stops them in order within a stated time."""

import time
from collections.abc import Callable, Iterable, Sequence

from lineside.child import Child, ChildSpec, describe_exit
from wire.errors import MustStop

_TICK_S = 0.05


class ChildFailed(MustStop):
    """An essential child ended, or a child did not become ready."""


class Supervisor:
    """Owns child processes, in the order in which they were started. Use from the main thread only."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._children: dict[str, Child] = {}

    @property
    def children(self) -> Sequence[Child]:
        """Every child, in the order of their start."""
        return tuple(self._children.values())

    @property
    def restarts(self) -> int:
        """Restarts of all children together."""
        return sum(child.restarts for child in self._children.values())

    def pids(self) -> dict[str, int]:
        """Process id by name, of those that run."""
        return {name: child.pid for name, child in self._children.items() if child.pid is not None}

    def start(self, spec: ChildSpec) -> None:
        """Start a child and look after it from now on."""
        child = self._children[spec.name] = Child(spec)
        child.start()

    def check(self) -> bool:
        """Notice ends, start again what is due; True if anything changed. ChildFailed when an essential child ended."""
        changed = False
        for child in self._children.values():
            told = child.check()
            if told is None:
                continue
            changed = True
            if child.spec.essential and not child.running:
                code = describe_exit(child.last_exit or 0)
                raise ChildFailed(f"{child.spec.name} ended ({code})\n{child.last_words()}")
            self._tell(told)
        return changed

    def ask_to_stop(self, names: Iterable[str]) -> None:
        """Ask these children to end, and go on."""
        for name in names:
            if name in self._children:
                self._children[name].ask_to_stop()

    def stop(self, names: Iterable[str], *, within_s: float) -> None:
        """Ask these children to end, all at once; whoever still runs after ``within_s`` is killed."""
        chosen = [self._children[name] for name in names if name in self._children]
        for child in chosen:
            child.ask_to_stop()
        deadline_s = time.monotonic() + within_s
        for child in chosen:
            if not child.wait(deadline_s - time.monotonic()):
                self._tell(f"{child.spec.name} did not end within {within_s:.1f} s and is killed")
                child.kill()
        for child in chosen:
            child.wait(1.0)

    def kill_all(self) -> None:
        """End everything at once."""
        for child in self._children.values():
            child.kill()
        for child in self._children.values():
            child.wait(1.0)
