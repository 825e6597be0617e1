"""Writes drawn lines as a data set in the layout of MVTec AD."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from models.synth.line import draw_part
from models.synth.random_defects import random_defects
from models.synth.seeding import stream
from models.synth.setting import LineSetting
from wire.errors import ConfigurationError
from wire.image_codec import encode_png

_DEFECTS: Final = 0xD5E7
# Of the good parts, this share is kept for the test: without good ones in it, false alarms could not be seen.
_GOOD_TEST_SHARE: Final = 0.25


@dataclass(frozen=True, kw_only=True)
class DataSetSize:
    """Images per line: good ones for training, bad ones for the test."""

    normals: int
    defects: int

    @property
    def good_tests(self) -> int:
        """Good images of the test, beside ``normals``."""
        return max(1, round(_GOOD_TEST_SHARE * self.normals))

    @property
    def images(self) -> int:
        """Pictures per line, without masks."""
        return self.normals + self.good_tests + self.defects


def write_line(folder: Path, line: LineSetting, size: DataSetSize) -> Iterator[Path]:
    """Write ``<family>_<seed>/{train/good, test/good, test/<kind>, ground_truth/<kind>}``; yields each picture's path.

    A part that shows nothing of its defects is not written, so that every bad picture has a mask; its number is passed
    over. ConfigurationError if the line's folder exists already.
    """
    root = folder / f"{line.family}_{line.seed}"
    try:
        root.mkdir(parents=True)
    except FileExistsError as error:
        raise ConfigurationError([f"--export: {root} exists already"]) from error
    for index in range(size.normals):
        yield _write(root / "train" / "good" / f"{index:03d}.png", draw_part(line, index).rgb_u8)
    for number in range(size.good_tests):
        picture = draw_part(line, size.normals + number).rgb_u8
        yield _write(root / "test" / "good" / f"{number:03d}.png", picture)
    rng = stream(_DEFECTS, line.seed)
    for index in range(size.normals + size.good_tests, size.images):
        yield _write_bad(root, line, index, rng)


def _write_bad(root: Path, line: LineSetting, index: int, rng: np.random.Generator) -> Path:
    while True:
        part = draw_part(line, index, random_defects(line, rng))
        if part.defects:
            break
    kind = part.defects[0].kind.value if len({defect.kind for defect in part.defects}) == 1 else "combined"
    mask = part.mask.astype(np.uint8) * np.uint8(255)
    _write(root / "ground_truth" / kind / f"{index:03d}_mask.png", mask)
    return _write(root / "test" / kind / f"{index:03d}.png", part.rgb_u8)


def _write(path: Path, picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(picture))
    return path
