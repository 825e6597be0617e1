"""How fast a step learns."""

import math

# The last steps still move: a rate of 0 would waste them.
_LAST_SHARE = 0.01


def constant(step: int, *, peak: float, warm_up: int) -> float:
    """Linear up to ``peak`` over ``warm_up`` steps, then ``peak``: for weights of which a mean over steps is taken."""
    return peak * (step + 1) / warm_up if step < warm_up else peak


def cosine(step: int, *, peak: float, warm_up: int, steps: int) -> float:
    """Linear up to ``peak`` over ``warm_up`` steps, then a cosine down to a hundredth of it."""
    if step < warm_up:
        return constant(step, peak=peak, warm_up=warm_up)
    share = (step - warm_up) / max(1, steps - warm_up)
    return peak * (_LAST_SHARE + (1 - _LAST_SHARE) * (1 + math.cos(math.pi * share)) / 2)
