import os
from collections.abc import Sequence

import pytest

from stream.model_thread import ModelThread
from wire.errors import ConfigurationError
from wire.finding import Finding
from wire.line_state import LineSpec, LineState
from wire.part import Part


class WhereItRuns:
    """An inspector that finds nothing and notes on which cores it may run."""

    recipe = "where"
    digest = "00"

    def __init__(self) -> None:
        self.cores: set[int] = set()

    def inspect(self, parts: Sequence[Part], states: Sequence[LineState | None]) -> list[Finding]:
        self.cores = os.sched_getaffinity(0)
        return []

    def build_state(self, references: Sequence[Part], spec: LineSpec, *, product: str = "") -> LineState:
        raise ValueError("remembers nothing")


async def test_detector_runs_on_the_core_it_is_pinned_to_and_nobody_else_does() -> None:
    before = os.sched_getaffinity(0)
    inspector = WhereItRuns()
    thread = ModelThread(inspector, cpu=max(before))

    await thread.inspect([], [])
    thread.close()

    assert inspector.cores == {max(before)}
    assert os.sched_getaffinity(0) == before


def test_core_that_does_not_exist_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match=r"inspect\.model_cpu: cannot run on core 1023: Invalid argument"):
        ModelThread(WhereItRuns(), cpu=1023)
