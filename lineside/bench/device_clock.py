"""Time and memory of work on a device, which goes on while the caller has long returned."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class DeviceClock:
    """Of one device; on the CPU there is nothing to wait for, and its memory is not counted."""

    device: torch.device

    def milliseconds(self, work: Callable[[], object]) -> float:
        """From an idle device until it is idle again."""
        self._wait()
        begun = time.perf_counter()
        work()
        self._wait()
        return (time.perf_counter() - begun) * 1000

    def working_bytes(self, work: Callable[[], object]) -> int | None:
        """What torch takes on the device while ``work`` runs, beside what it has before; None on the CPU."""
        if self.device.type != "cuda":
            return None
        self._wait()
        torch.cuda.reset_peak_memory_stats(self.device)
        before = torch.cuda.memory_allocated(self.device)
        work()
        self._wait()
        return torch.cuda.max_memory_allocated(self.device) - before

    def in_use_bytes(self) -> int | None:
        """What torch has in use on the device now; None on the CPU."""
        return torch.cuda.memory_allocated(self.device) if self.device.type == "cuda" else None

    def name(self) -> str:
        """As its maker calls it."""
        return torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else self.device.type

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
