"""Errors at chosen calls: the fault-injecting side of the ports that the agents are given."""

from collections import Counter


class Sabotaged(Exception):
    """The process died here."""


class Sabotage:
    """``plan``: (point, how manieth call) -> what is raised there. A call that raises has no effect."""

    def __init__(self, plan: dict[tuple[str, int], Exception] | None = None) -> None:
        self.plan = plan or {}
        self.calls: Counter[str] = Counter()

    def hit(self, point: str) -> None:
        self.calls[point] += 1
        error = self.plan.pop((point, self.calls[point]), None)
        if error is not None:
            raise error
