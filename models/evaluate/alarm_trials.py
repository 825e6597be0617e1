"""Good parts for counting false alarms: what each memory is built from, and fresh parts for it to judge."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from models.evaluate.draws import Relation, shuffled_references
from models.evaluate.loading import load_image
from models.evaluate.sample import LabelledSet, Sample
from models.synth.line import LineSetting, draw_line, draw_part
from wire.image_codec import Image

# A part is drawn with random numbers of its own index: no fresh one repeats a reference, of which there are fewer.
MOST_REFERENCES = 1000


@dataclass(frozen=True, kw_only=True)
class GoodPart:
    """``picture`` makes its image (H, W, 3); DecodeError from it names a file that cannot be read."""

    name: str
    picture: Callable[[], Image]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One memory. ``group``: what its alarms are counted under, an object or a family; ``name``: of this one."""

    group: str
    name: str
    references: Sequence[GoodPart]
    fresh: Sequence[GoodPart]


@dataclass(frozen=True, kw_only=True)
class DrawnTrials:
    """``lines`` lines of each of ``families``, from ``seed``; ``fresh`` good parts of each, beside its references."""

    families: Sequence[str]
    lines: int
    references: int
    fresh: int
    side_px: int
    seed: int = 0

    def __call__(self, photographs: Sequence[NDArray[np.uint8]] = ()) -> Iterator[Trial]:
        """Line by line; ``photographs`` for the family of that name. ValueError as ``draw_line``."""
        for number in range(self.lines):
            for family in self.families:
                seed = self.seed + number
                line = draw_line(
                    seed, family=family, height=self.side_px, width=self.side_px, photographs=photographs
                )  # fmt: skip
                yield Trial(
                    group=family,
                    name=f"{family}, line {seed}",
                    references=[_drawn(line, index) for index in range(self.references)],
                    fresh=[_drawn(line, MOST_REFERENCES + index) for index in range(self.fresh)],
                )


def labelled_trials(
    dataset: LabelledSet, *, references: int, draws: int, seed: int, related: Relation
) -> Iterator[Trial]:
    """``draws`` choices of references per object, without those that leave no other good image of another part.

    No two references show the same physical part, nor does a fresh one show the part of a reference: else scores of
    references, each left out of its memory, would be lower than those of new parts, and thresholds with them.
    """
    for each in dataset.objects:
        for draw in range(draws):
            chosen: list[Sample] = []
            for sample in shuffled_references(each, seed=seed, draw=draw):
                if len(chosen) < references and not any(related(sample, other) for other in chosen):
                    chosen.append(sample)
            # Tests of most data sets hold few good images: the good ones that are left over are the fresh parts.
            fresh = [one for one in each.references if not any(related(one, other) for other in chosen)]
            if fresh:
                yield Trial(
                    group=each.name,
                    name=f"{each.name}, draw {draw + 1} of {draws}",
                    references=[_file(sample) for sample in chosen],
                    fresh=[_file(sample) for sample in fresh],
                )


def _drawn(line: LineSetting, index: int) -> GoodPart:
    return GoodPart(name=f"{line.family}/{line.seed}/{index}", picture=lambda: draw_part(line, index).rgb_u8)


def _file(sample: Sample) -> GoodPart:
    return GoodPart(name=sample.name, picture=partial(load_image, sample))
