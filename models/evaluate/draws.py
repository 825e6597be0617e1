"""Which good images are references, which images are tests: by draw, so that chance in the choice can be seen."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from models.evaluate.sample import ObjectSet, Sample


@dataclass(frozen=True, kw_only=True)
class Draw:
    """``order``: references by rank, the first k serve k shots. ``tests``: the same images for every number of shots.

    ``left_out``: tests that may show the physical part of one of the references, or are one of them. ``alike``: further
    tests that look like a reference again; ``left_out`` has them where that was wanted, else ``tests`` still does.
    """

    order: tuple[Sample, ...]
    tests: tuple[Sample, ...]
    left_out: tuple[Sample, ...]
    alike: tuple[Sample, ...] = ()


Relation = Callable[[Sample, Sample], bool]


def draw_references(
    objects: ObjectSet, most: int, *, seed: int, draw: int, related: Relation, alike: Relation, leave_out_alike: bool
) -> Draw:
    """Draw up to ``most`` references. Equal seed, draw and object give equal references, on any machine."""
    order = shuffled_references(objects, seed=seed, draw=draw)[:most]
    same = _like_any(objects.tests, order, related)
    similar = _like_any([test for test in objects.tests if test not in same], order, alike)
    gone = {*same, *similar} if leave_out_alike else same
    return Draw(
        order=order,
        tests=tuple(test for test in objects.tests if test not in gone),
        left_out=tuple(test for test in objects.tests if test in gone),
        alike=tuple(test for test in objects.tests if test in similar),
    )


def shuffled_references(objects: ObjectSet, *, seed: int, draw: int) -> tuple[Sample, ...]:
    """All of them, in an order of their own for every seed, draw and object, on any machine the same."""
    rng = np.random.default_rng([seed, draw, crc32(objects.name.encode())])
    return tuple(objects.references[rank] for rank in rng.permutation(len(objects.references)))


def _like_any(tests: Iterable[Sample], references: Sequence[Sample], relation: Relation) -> set[Sample]:
    return {test for test in tests if any(relation(test, reference) for reference in references)}


def first_of_each_kind(samples: Sequence[Sample], most: int) -> tuple[Sample, ...]:
    """At most ``most`` samples of each kind, evenly spread over the order: a quick look at a large data set."""
    kinds: dict[str, list[int]] = {}
    for index, sample in enumerate(samples):
        kinds.setdefault(sample.kind, []).append(index)
    kept = {
        indices[position]
        for indices in kinds.values()
        for position in np.linspace(0, len(indices) - 1, min(most, len(indices))).round().astype(int)
    }
    return tuple(sample for index, sample in enumerate(samples) if index in kept)
