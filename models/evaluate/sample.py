"""What is evaluated: images with their labels, by object."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# The kind of images without a defect, whatever their folder is called.
GOOD: Final = "good"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One labelled image. ``name``: its path below the data set's folder, with slashes; ``kind``: GOOD or the defect's.

    ``mask`` is None for good images (nothing is marked) and where the data set has no masks.
    """

    image: Path
    name: str
    kind: str
    mask: Path | None = None

    @property
    def defect(self) -> bool:
        """Whether the part is defective."""
        return self.kind != GOOD


@dataclass(frozen=True, kw_only=True)
class ObjectSet:
    """One kind of part, with a memory of its own. Without training images, ``references`` are tests, too."""

    name: str
    references: tuple[Sample, ...]
    tests: tuple[Sample, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of defects, sorted."""
        return tuple(sorted({sample.kind for sample in self.tests if sample.defect}))


@dataclass(frozen=True, kw_only=True)
class LabelledSet:
    """A data set. ``masked``: defects are marked in it, so that pixels can be judged."""

    name: str
    root: Path
    layout: str
    objects: tuple[ObjectSet, ...]

    @property
    def masked(self) -> bool:
        """Whether any defective image has a mask."""
        return any(sample.mask is not None for sample in self.samples())

    def samples(self) -> Iterator[Sample]:
        """Every image once, references first."""
        for each in self.objects:
            seen = dict.fromkeys((*each.references, *each.tests))
            yield from seen
