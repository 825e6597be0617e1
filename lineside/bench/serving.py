"""A token recipe on the device that serves: batches of many lines at once, their memory, their shared search."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from statistics import median
from typing import Final
from uuid import uuid4

import numpy as np
import torch

from lineside.bench.comparison import Comparison, Direction
from lineside.bench.device_clock import DeviceClock
from lineside.bench.full_memory import draw_pictures
from lineside.bench.interleaving import interleave
from lineside.bench.report import Machine
from lineside.bench.serving_figures import BatchFigures, ServingFigures
from models.backbones.placement import place_of
from models.backbones.tokens import TokenBackbone
from models.memory.many_banks import cosine_distance_in_each
from models.memory.resident_banks import usual_budget_bytes
from models.memory.token_bank import TokenBank
from models.recipes.loader import load_inspector
from models.recipes.recipe import read_recipe
from models.recipes.samllava_recipe import SamLlavaRecipe
from models.recipes.spgdd_recipe import SpgddRecipe
from models.recipes.token_eye import token_eye
from wire.errors import ConfigurationError
from wire.frame import RGB
from wire.inspector import Inspector
from wire.line_state import LineSpec, LineState
from wire.part import Part

# The product's result has to be read once more to find the smallest of each row.
SEARCH_AIM: Final = 1.3
_DRAWN: Final = 8
_SEED: Final = 17


@dataclass(frozen=True, kw_only=True)
class ServingSettings:
    """``full_vectors``: memory of one line among ``lines``, which have ``references`` each; ``changes`` as --set."""

    recipe: str
    changes: Mapping[str, str]
    device: str
    lines: int = 64
    references: int = 4
    full_vectors: int = 10_000
    batches: tuple[int, ...] = (1, 8, 32, 64)
    repetitions: int = 5


def bench_serving(settings: ServingSettings, tell: Callable[[str], None]) -> ServingFigures:
    """Random weights take the same time. ConfigurationError if recipe, backbone or device are not there."""
    numbers = read_recipe(settings.recipe, settings.changes)
    if not isinstance(numbers, SpgddRecipe | SamLlavaRecipe):
        raise ConfigurationError([f"--recipe {settings.recipe}: is of kind {numbers.kind}, expected spgdd or samllava"])
    started_at, machine = datetime.now(UTC), Machine.this_one()
    clock = DeviceClock(place_of(settings.device))
    tell(f"making {numbers.backbone.name} on {clock.name()}")
    inspector = load_inspector(settings.recipe, device=settings.device, changes=settings.changes)
    weights_bytes = clock.in_use_bytes()
    backbone = token_eye(settings.recipe, numbers.backbone, clock.device).backbone
    tell(f"building the memories of {settings.lines} lines")
    turns = numbers.memory.rotations if isinstance(numbers, SpgddRecipe) else 1
    per_reference = turns * backbone.grid[0] * backbone.grid[1]
    states = _states(inspector, settings, per_reference)
    figures = []
    for batch in settings.batches:
        tell(f"measuring batches of {batch}")
        figures.append(_measured(inspector, backbone, states, batch, settings.repetitions, clock))
    tell("measuring the search")
    return ServingFigures(
        started_at=started_at,
        machine=machine,
        device=clock.name(),
        recipe=settings.recipe,
        backbone=numbers.backbone.name,
        lines=len(states),
        references=settings.references,
        state_bytes=states[-1].size_bytes,
        full_bytes=states[0].size_bytes,
        weights_bytes=weights_bytes,
        banks_bytes=usual_budget_bytes(clock.device),
        batches=tuple(figures),
        searches=tuple(_searches(states, per_reference // turns, settings.repetitions, clock)),
    )


def _states(inspector: Inspector, settings: ServingSettings, per_reference: int) -> list[LineState]:
    """One full memory, then copies of a small one: what the numbers are changes nothing about the time."""
    enough = max(1, settings.full_vectors // per_reference)
    full = inspector.build_state(_parts(enough), LineSpec(line="bench.full", max_vectors=settings.full_vectors))
    bound = max(settings.references * per_reference, LineSpec(line="bench").max_vectors)
    small = inspector.build_state(_parts(settings.references), LineSpec(line="bench.small", max_vectors=bound))
    return [full, *(_copy(small) for _ in range(settings.lines - 1))]


def _copy(state: LineState) -> LineState:
    return replace(state, tensors={name: tensor.copy() for name, tensor in state.tensors.items()})


def _parts(count: int) -> list[Part]:
    """Good parts of a drawn line: a few drawings, each time with a camera's noise of its own."""
    drawn = draw_pictures(min(count, _DRAWN))
    rng = np.random.default_rng(_SEED)
    parts = []
    for index in range(count):
        image = drawn[index % len(drawn)].images[RGB]
        noisy = np.clip(image + rng.integers(-2, 3, image.shape), 0, 255).astype(np.uint8)
        parts.append(replace(drawn[0], inspection_id=uuid4(), part_id=str(index), images={RGB: noisy}))
    return parts


def _measured(
    inspector: Inspector,
    backbone: TokenBackbone,
    states: Sequence[LineState],
    batch: int,
    repetitions: int,
    clock: DeviceClock,
) -> BatchFigures:
    parts, own = _parts(batch), [states[index % len(states)] for index in range(batch)]
    frames = torch.from_numpy(np.stack([backbone.profile.prepare(part.images[RGB]).pixels for part in parts]))
    frames = frames.to(clock.device)

    def alone() -> object:
        with torch.inference_mode():
            return backbone.encode(frames)

    def whole() -> object:
        return inspector.inspect(parts, own)

    def from_the_host() -> object:
        # Other objects with the same numbers: states that the inspector has never met.
        strangers = {id(state): replace(state, tensors=dict(state.tensors)) for state in own}
        return inspector.inspect(parts, [strangers[id(state)] for state in own])

    for each in (alone, whole, whole):
        each()

    def per_second(work: Callable[[], object]) -> float:
        return batch / median(clock.milliseconds(work) for _ in range(repetitions)) * 1000

    return BatchFigures(
        batch=batch,
        backbone_per_s=per_second(alone),
        recipe_per_s=per_second(whole),
        working_bytes=clock.working_bytes(whole),
        away_per_s=per_second(from_the_host),
    )


def _searches(states: Sequence[LineState], tokens: int, repetitions: int, clock: DeviceClock) -> list[Comparison]:
    """One layer of every line's bank, for the tokens of one picture each: shared, and as bare products."""
    banks = []
    for state in states:
        bank = TokenBank.from_tensors(state.tensors, RGB, clock.device)
        banks.append(bank.vectors[max(bank.vectors)])
    queries = [bank[torch.arange(tokens, device=clock.device) % len(bank)].contiguous() for bank in banks]
    # As many rows as all lines together have, against a bank of their mean size: as many products of numbers, in one.
    rows = torch.cat(queries)
    mean_bank = torch.cat(banks)[: max(1, sum(map(len, banks)) // len(banks))].contiguous()

    def shared() -> object:
        with torch.inference_mode():
            return cosine_distance_in_each(queries, banks)

    def line_by_line() -> object:
        with torch.inference_mode():
            return [own @ bank.T for own, bank in zip(queries, banks, strict=True)]

    def in_one() -> object:
        with torch.inference_mode():
            return rows @ mean_bank.T

    found = []
    for name, side, bare in (
        ("products line by line", "a matrix product per line", line_by_line),
        ("one product", "one matrix product of as many numbers", in_one),
    ):
        for work in (shared, bare, shared, bare):
            work()
        times = partial(clock.milliseconds, shared), partial(clock.milliseconds, bare)
        product, baseline = interleave(*times, 3 * repetitions)
        found.append(
            Comparison(
                name=f"search of {len(banks)} lines, {name}",
                unit="ms",
                product_side="cosine_distance_in_each",
                baseline_side=side,
                product=product,
                baseline=baseline,
                aim=SEARCH_AIM,
                direction=Direction.AT_MOST,
                note=f"{tokens} tokens of {banks[0].shape[1]} numbers; banks of {len(banks[-1])}, one {len(banks[0])}",
            )
        )
    return found
