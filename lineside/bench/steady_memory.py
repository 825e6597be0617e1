"""Whether a connector's memory stays flat: what it has at the end of a run against what it had after a fifth."""

import time
from dataclasses import dataclass
from typing import Final

from lineside.bench.comparison import Comparison, Direction
from lineside.bench.peak_memory import resident_bytes

AIM: Final = 1.05
_MIB: Final = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class SteadyMemory:
    """Resident bytes of one process: after a fifth of ``seconds``, and at their end."""

    seconds: float
    early_bytes: int
    late_bytes: int

    def comparison(self, name: str, process: str, note: str = "") -> Comparison:
        """As a benchmark called ``name``, of what the report calls ``process``."""
        return Comparison(
            name=name,
            unit="MiB",
            product_side=f"{process} after {self.seconds:g} s",
            baseline_side="after a fifth of that",
            product=(self.late_bytes / _MIB,),
            baseline=(self.early_bytes / _MIB,),
            aim=AIM,
            direction=Direction.AT_MOST,
            note=note,
        )


def steady_memory(seconds: float, pid: int | None = None) -> SteadyMemory:
    """Watch a process, this one unless told, for so long. MustStop where the system does not tell its memory."""
    time.sleep(seconds / 5)
    early = resident_bytes(pid)
    time.sleep(4 * seconds / 5)
    return SteadyMemory(seconds=seconds, early_bytes=early, late_bytes=resident_bytes(pid))
