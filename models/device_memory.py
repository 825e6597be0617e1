"""How full the memory of a GPU is."""

from collections.abc import Callable

import torch


def gpu_memory(device: str) -> Callable[[], tuple[int, int]] | None:
    """Bytes (in use by everybody, in all) of a CUDA ``device``, asked for at each call; None if it is no GPU."""
    where = torch.device(device)
    if where.type != "cuda":
        return None

    def used_and_total() -> tuple[int, int]:
        free, total = torch.cuda.mem_get_info(where)
        return total - free, total

    return used_and_total
