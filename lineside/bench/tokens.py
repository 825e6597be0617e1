"""What a token recipe adds to the network that it sees with, as ratios in one run: the wrapper, and everything."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Final

import torch

from lineside.bench.comparison import Comparison, Direction
from lineside.bench.full_memory import LINE, draw_pictures
from lineside.bench.interleaving import interleave
from lineside.bench.report import BenchReport, Machine
from lineside.bench.timing import milliseconds_per_call, warm
from models.backbones.clip_model import random_clip
from models.backbones.clip_tokens import ClipTokens
from models.backbones.vv_attention import VvMode
from models.backbones.weights_file import frozen
from models.recipes.loader import load_inspector
from models.recipes.recipe import read_recipe
from wire.errors import ConfigurationError
from wire.frame import RGB
from wire.line_state import LineSpec

WRAPPER_AIM: Final = 1.15
RECIPE_AIM: Final = 1.4
# One part as it comes, and what a worker takes together from a backlog.
_BATCHES: Final = (1, 8)
_REFERENCES: Final = 4
_SEED: Final = 0
_KINDS: Final = ("spgdd", "samllava")
_WRAPPER, _PLAIN, _RECIPE = "value-value wrapper", "open_clip's forward", "whole recipe"


def run(
    recipe: str,
    backbone: str,
    *,
    changes: Mapping[str, str],
    threads: int,
    repetitions: int,
    tell: Callable[[str], None],
) -> BenchReport:
    """Random weights: they take the same time.

    ConfigurationError if recipe or backbone are not there, or the recipe sees with no such backbone.
    """
    kind = read_recipe(recipe, changes).kind
    if kind not in _KINDS:
        raise ConfigurationError([
            f"--recipe {recipe}: is of kind {kind}, which has no backbone of tokens; expected {' or '.join(_KINDS)}. "
            "`lineside bench models` measures the shipped network"
        ])  # fmt: skip
    machine, started_at = Machine.this_one(), datetime.now(UTC)
    torch.set_num_threads(threads)
    tell(f"making {backbone} with random weights")
    device = torch.device("cpu")
    model = random_clip(backbone, _SEED)
    frozen(model, device)
    tokens = ClipTokens(model, vv_mode=VvMode.ENHANCED, device=device)
    # Words are read once per line and not per picture; the short list saves minutes of a large text tower.
    usual = {"backbone.name": backbone, "backbone.seed": str(_SEED), "text.ensemble": "short"}
    inspector = load_inspector(recipe, threads=threads, changes={**usual, **changes})
    parts = draw_pictures(_REFERENCES + max(_BATCHES))
    state = inspector.build_state(parts[:_REFERENCES], LineSpec(line=LINE))
    found: list[Comparison] = []
    for batch in _BATCHES:
        tell(f"measuring batches of {batch}")
        seen = parts[_REFERENCES : _REFERENCES + batch]
        frames = torch.stack([torch.from_numpy(tokens.profile.prepare(part.images[RGB]).pixels) for part in seen])
        sides: dict[str, Callable[[], object]] = {
            _WRAPPER: partial(_without_gradients, partial(tokens.encode, frames)),
            _PLAIN: partial(_without_gradients, partial(model.visual, frames)),
            _RECIPE: partial(inspector.inspect, seen, [state] * batch),
        }
        warm(*sides.values())
        for mine, other, aim in ((_WRAPPER, _PLAIN, WRAPPER_AIM), (_RECIPE, _WRAPPER, RECIPE_AIM)):
            product, baseline = interleave(
                partial(_ms_per_picture, sides[mine], batch), partial(_ms_per_picture, sides[other], batch), repetitions
            )
            found.append(
                Comparison(
                    name=f"{mine}, batch of {batch}",
                    unit="ms/picture",
                    product_side=mine,
                    baseline_side=other,
                    product=product,
                    baseline=baseline,
                    aim=aim,
                    direction=Direction.AT_MOST,
                    note=f"{backbone}; {_REFERENCES} references",
                )
            )
    return BenchReport(
        started_at=started_at, machine=machine, recipe=recipe, threads=threads, comparisons=tuple(found), skipped={}
    )


def _without_gradients(work: Callable[[], object]) -> object:
    with torch.inference_mode():
        return work()


def _ms_per_picture(work: Callable[[], object], batch: int) -> float:
    return milliseconds_per_call(work, 1) / batch
