"""The one thread that runs the detector."""

import asyncio
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from wire.errors import BadInput, ConfigurationError
from wire.finding import Finding
from wire.inspector import Inspector
from wire.line_state import LineState
from wire.part import Part


class ModelThread:
    """Calls an Inspector from one thread of its own, so that device memory and order are nobody else's business.

    ``cpu`` pins the thread to this core. ConfigurationError if the process may not run there.
    """

    def __init__(self, inspector: Inspector, *, cpu: int | None = None) -> None:
        self._inspector = inspector
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        if cpu is not None:
            self._pin(cpu)

    def _pin(self, cpu: int) -> None:
        try:
            self._thread.submit(os.sched_setaffinity, 0, {cpu}).result()  # 0: the thread that calls
        except OSError as error:
            self.close()
            raise ConfigurationError([f"inspect.model_cpu: cannot run on core {cpu}: {error.strerror}"]) from error

    @property
    def inspector(self) -> Inspector:
        """The detector."""
        return self._inspector

    async def inspect(
        self, parts: Sequence[Part], states: Sequence[LineState | None]
    ) -> tuple[list[Finding | None], float]:
        """(one finding per part, seconds of model time). None for a part that the detector refused as bad input."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._inspect, parts, states)

    def _inspect(self, parts: Sequence[Part], states: Sequence[LineState | None]) -> tuple[list[Finding | None], float]:
        begun = time.perf_counter()
        findings: list[Finding | None]
        try:
            findings = [*self._inspector.inspect(parts, states)]
        except BadInput:
            # One part must not take the others of its batch along.
            findings = [self._inspect_one(part, state) for part, state in zip(parts, states, strict=True)]
        return findings, time.perf_counter() - begun

    def _inspect_one(self, part: Part, state: LineState | None) -> Finding | None:
        try:
            return self._inspector.inspect([part], [state])[0]
        except BadInput:
            return None

    def close(self) -> None:
        """Let the running call end; take no other."""
        self._thread.shutdown(wait=False, cancel_futures=True)
