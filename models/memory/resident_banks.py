"""Banks of lines on a detector's device: parts come again and again, their bank need not travel each time."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

Tensors = Mapping[str, NDArray[np.float32]]

# Of a GPU's memory. The rest holds weights and a batch's activations, and what else runs on the card.
_SHARE_OF_GPU: Final = 1 / 3


class _Sized(Protocol):
    @property
    def size_bytes(self) -> int: ...


Bank = TypeVar("Bank", bound=_Sized)


@dataclass(frozen=True, eq=False)
class _Resident(Generic[Bank]):
    """``tensors``: whose bank it is; held, so that no other state can take its identity."""

    tensors: Tensors
    bank: Bank


class ResidentBanks(Generic[Bank]):
    """What ``read`` makes of a state's tensors, a modality's name and the device.

    The least recently used ones leave when ``budget_bytes`` are exceeded. Answers do not depend on what is here.
    For one thread. ``budget_bytes`` None = ``usual_budget_bytes``; 0 keeps nothing from one call to the next.
    """

    def __init__(
        self,
        read: Callable[[Tensors, str, torch.device], Bank],
        device: torch.device,
        *,
        budget_bytes: int | None = None,
    ) -> None:
        self._read = read
        self._device = device
        self._budget_bytes = usual_budget_bytes(device) if budget_bytes is None else budget_bytes
        self._kept: OrderedDict[tuple[int, str], _Resident[Bank]] = OrderedDict()

    def of(self, memories: Sequence[Tensors | None], names: Sequence[str]) -> list[Bank | None]:
        """Per picture the bank that ``memories[i]`` keeps under ``names[i]``; parts of one line share one."""
        found: list[Bank | None] = []
        for tensors, name in zip(memories, names, strict=True):
            if tensors is None:
                found.append(None)
                continue
            key = (id(tensors), name)
            if key not in self._kept:
                self._kept[key] = _Resident(tensors, self._read(tensors, name, self._device))
            self._kept.move_to_end(key)
            found.append(self._kept[key].bank)
        while self._kept and self.size_bytes > self._budget_bytes:
            self._kept.popitem(last=False)
        return found

    @property
    def size_bytes(self) -> int:
        """Of all banks that are here."""
        return sum(each.bank.size_bytes for each in self._kept.values())


def usual_budget_bytes(device: torch.device) -> int:
    """A share of a GPU's memory; 0 on the CPU, in whose memory the states lie anyhow."""
    if device.type != "cuda":
        return 0
    _, total = torch.cuda.mem_get_info(device)
    return int(total * _SHARE_OF_GPU)
