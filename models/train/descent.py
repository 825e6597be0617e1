"""Adam along a cosine: what the stages of the token recipes train with, one step at a time."""

from collections.abc import Iterable
from typing import Any, Final

import torch
from torch import Tensor, nn

from models.train.learning_rate import cosine

# Longer gradients are shortened: a batch whose prompts all miss would throw Adam's averages off for hundreds of steps.
_LONGEST_GRADIENT: Final = 1.0


class Descent:
    """``peak``, ``warm_up`` and ``steps``: of ``models.train.learning_rate.cosine``."""

    def __init__(self, parameters: Iterable[nn.Parameter], *, peak: float, warm_up: int, steps: int) -> None:
        self._parameters = list(parameters)
        self._optimizer = torch.optim.Adam(self._parameters, lr=peak)
        self._peak = peak
        self._warm_up = warm_up
        self._steps = steps

    def step(self, number: int, loss: Tensor) -> float:
        """Move the parameters down ``loss`` (); returns its value."""
        for group in self._optimizer.param_groups:
            group["lr"] = cosine(number, peak=self._peak, warm_up=self._warm_up, steps=self._steps)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._parameters, _LONGEST_GRADIENT)
        self._optimizer.step()
        return float(loss.detach())

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return self._optimizer.state_dict()

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from what ``state`` gave."""
        self._optimizer.load_state_dict(state)
