"""Pictures with defects and their truth, for the segmentation stage: drawn ones, or those of a labelled set."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from models.evaluate.dataset_file import checked, named_layout
from models.evaluate.layouts.opening import open_labelled_set
from models.evaluate.loading import load_image
from models.evaluate.masks import defect_pixels
from models.evaluate.sample import LabelledSet, Sample
from models.synth.line import draw_line, draw_part, random_defects
from models.train.episodes import HELD_OUT_FAMILIES, training_families
from wire.errors import ConfigurationError
from wire.image_codec import decode_image

# A line whose defects all came out too faint is drawn again.
_ATTEMPTS: Final = 20
# Of a labelled set, every so-many-th defective picture is held out.
_HELD_OUT_EVERY: Final = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class SegmentationSample:
    """image (H, W, 3) float32 in [0, 1]; truth (H, W) bool, not empty."""

    image: NDArray[np.float32]
    truth: NDArray[np.bool_]


class SampleSource(Protocol):
    """Where samples come from. A function of the random numbers alone: the same seed, the same samples."""

    @property
    def name(self) -> str:
        """Which pictures they are, for a checkpoint that shall go on with the same ones."""

    def training(self, rng: Generator) -> SegmentationSample:
        """One to learn from."""

    def held_out(self, rng: Generator) -> SegmentationSample:
        """One of those that are never learned from."""


class DrawnSamples:
    """``count`` pictures of the generator's lines, and ``held_out`` of families that training never sees.

    Each is drawn once, when it is first asked for, and seen turned and mirrored afterwards.
    """

    def __init__(self, *, side_px: int, count: int = 256, held_out: int = 64) -> None:
        self._training = _Pool(training_families(()), count, side_px)
        self._held_out = _Pool(HELD_OUT_FAMILIES, held_out, side_px)
        self.name = f"{count} drawn ones of {side_px} px"

    def training(self, rng: Generator) -> SegmentationSample:
        """See ``SampleSource``."""
        return _turned(self._training.any(rng), rng)

    def held_out(self, rng: Generator) -> SegmentationSample:
        """See ``SampleSource``."""
        return self._held_out.any(rng)


class _Pool:
    def __init__(self, families: Sequence[str], count: int, side_px: int) -> None:
        self._families = families
        self._count = count
        self._side_px = side_px
        self._drawn: dict[int, SegmentationSample] = {}

    def any(self, rng: Generator) -> SegmentationSample:
        index = int(rng.integers(self._count))
        if index not in self._drawn:
            self._drawn[index] = self._draw(np.random.default_rng([0xD4A, index]))
        return self._drawn[index]

    def _draw(self, rng: Generator) -> SegmentationSample:
        side = self._side_px
        for _ in range(_ATTEMPTS):
            family = self._families[int(rng.integers(len(self._families)))]
            line = draw_line(int(rng.integers(2**31)), family=family, height=side, width=side)
            # Well visible: this stage learns where a defect ends, the coarse one whether there is one.
            defects = random_defects(line, rng, count=1, least_px=side / 8, visibility=(3.0, 10.0))
            part = draw_part(line, int(rng.integers(2**31)), defects)
            if part.mask.any():
                image = np.asarray(part.rgb_u8, np.float32) / np.float32(255)
                return SegmentationSample(image=image, truth=part.mask)
        raise RuntimeError(f"no visible defect in {_ATTEMPTS} drawn lines")


def _turned(sample: SegmentationSample, rng: Generator) -> SegmentationSample:
    turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
    image, truth = np.rot90(sample.image, turns), np.rot90(sample.truth, turns)
    if mirrored:
        image, truth = image[:, ::-1], truth[:, ::-1]
    return SegmentationSample(image=np.ascontiguousarray(image), truth=np.ascontiguousarray(truth))


def labelled_samples(root: Path, layout: str | None) -> "LabelledSamples":
    """Those of a folder. ConfigurationError as ``open_labelled_set``."""
    options = checked({}, "options") if layout is None else named_layout(layout)
    return LabelledSamples(open_labelled_set(root, options), mask_above=options.mask_above)


class LabelledSamples:
    """Defective pictures of a labelled set that have masks; a quarter of them is held out."""

    def __init__(self, labelled: LabelledSet, *, mask_above: int | None) -> None:
        self._mask_above = mask_above
        marked = [sample for sample in labelled.samples() if sample.mask is not None]
        self._held_out = marked[::_HELD_OUT_EVERY]
        self._training = [sample for index, sample in enumerate(marked) if index % _HELD_OUT_EVERY]
        if not self._training:
            raise ConfigurationError([f"--data: {labelled.root} has {len(marked)} pictures with masks, expected 2"])
        self.name = f"{len(marked)} with masks of {labelled.root}"

    def training(self, rng: Generator) -> SegmentationSample:
        """See ``SampleSource``."""
        return self._read(self._training[int(rng.integers(len(self._training)))])

    def held_out(self, rng: Generator) -> SegmentationSample:
        """See ``SampleSource``."""
        return self._read(self._held_out[int(rng.integers(len(self._held_out)))])

    def _read(self, sample: Sample) -> SegmentationSample:
        image = load_image(sample)
        if sample.mask is None:
            raise ConfigurationError([f"{sample.name}: no mask"])
        truth = defect_pixels(decode_image(sample.mask.read_bytes()), self._mask_above)
        scale = np.float32(255 if image.dtype == np.uint8 else 65535)
        return SegmentationSample(image=image.astype(np.float32) / scale, truth=truth)
