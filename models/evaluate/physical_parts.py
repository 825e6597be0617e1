"""Which images may show the same physical part: they never stand on both sides of a split."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from models.evaluate.sample import Sample
from wire.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class PartKey:
    """``label`` must agree; ``number``, where there is a distance, may differ by that much."""

    label: tuple[str, ...]
    number: int | None = None


class PhysicalParts:
    """Reads the physical part out of names. Without a pattern every image shows a part of its own."""

    def __init__(self, pattern: str | None, distance: int | None) -> None:
        if distance is not None and pattern is None:
            raise ConfigurationError([f"--group-distance {distance} needs --group, whose last (group) is a number"])
        self._pattern = None if pattern is None else re.compile(pattern)
        self._distance = distance

    def check(self, samples: Sequence[Sample]) -> None:
        """ConfigurationError names images whose part cannot be told: a silent miss would be a leak."""
        silent = []
        for sample in samples:
            try:
                self._key(sample)
            except ValueError:
                silent.append(sample.name)
        if silent:
            more = f" and {len(silent) - 3} more" if len(silent) > 3 else ""
            need = "a number as its last (group)" if self._distance is not None else "a match"
            raise ConfigurationError([f"--group needs {need} in every name; not in {', '.join(silent[:3])}{more}"])

    def related(self, one: Sample, other: Sample) -> bool:
        """Whether both may show the same part; ValueError if the pattern does not fit one of them."""
        if one == other:
            return True
        mine, theirs = self._key(one), self._key(other)
        if mine.label != theirs.label:
            return False
        if mine.number is None or theirs.number is None or self._distance is None:
            return True
        return abs(mine.number - theirs.number) <= self._distance

    def _key(self, sample: Sample) -> PartKey:
        if self._pattern is None:
            return PartKey(label=(sample.name,))
        found = self._pattern.search(sample.name)
        if found is None:
            raise ValueError(f"{sample.name} does not match {self._pattern.pattern!r}")
        groups = tuple(group or "" for group in found.groups())
        if self._distance is None:
            return PartKey(label=groups)
        return PartKey(label=groups[:-1], number=int(groups[-1]))
