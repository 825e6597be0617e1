"""Files of a data set as the parts a detector gets, and a look at all of them before hours are spent."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, TypeVar
from uuid import UUID, uuid5

import cv2
import numpy as np
from numpy.typing import NDArray

from models.evaluate.masks import defect_pixels, resize_mask
from models.evaluate.sample import Sample
from wire.errors import DecodeError
from wire.image_codec import Image, decode_image
from wire.line_state import LineSpec
from wire.part import Part

_Read = TypeVar("_Read")

MODALITY: Final = "rgb"
_NAMESPACE = UUID("4b1f2d0e-55a6-5a5e-9d53-6a2f1c0f7e11")


def load_image(sample: Sample, input_size: int | None = None) -> Image:
    """(H, W, 3) RGB as the camera wrote it, or resized to ``input_size`` both ways. DecodeError names the file."""
    image = _naming(sample.image, decode_image)
    if input_size is None or image.shape[:2] == (input_size, input_size):
        return image
    way = cv2.INTER_AREA if min(image.shape[:2]) > input_size else cv2.INTER_LINEAR
    resized: Image = cv2.resize(image, (input_size, input_size), interpolation=way)  # type: ignore[assignment]
    return resized


def truth(sample: Sample, resolution: int, mask_above: int | None) -> NDArray[np.bool_] | None:
    """Mask (resolution, resolution): nothing for a good one, None if nobody marked the defect. DecodeError as above."""
    if not sample.defect:
        return np.zeros((resolution, resolution), np.bool_)
    if sample.mask is None:
        return None
    return resize_mask(_naming(sample.mask, lambda data: defect_pixels(decode_image(data), mask_above)), resolution)


def part_of(image: Image, name: str, line: str, spec: LineSpec | None = None) -> Part:
    """A part with one image; equal names give equal ids."""
    return Part(inspection_id=uuid5(_NAMESPACE, name), line=line, part_id=name, images={MODALITY: image}, spec=spec)


def unreadable_files(
    samples: Iterable[Sample], mask_above: int | None, seen: Callable[[Sample, Image], None]
) -> dict[Sample, str]:
    """What is wrong with images and masks that cannot be used; ``seen`` is called with each readable image."""
    problems = {}
    for sample in samples:
        try:
            image = load_image(sample)
            if sample.mask is not None:
                _check_mask(sample.mask, image.shape[:2], mask_above)
        except DecodeError as error:
            problems[sample] = str(error)
        else:
            seen(sample, image)
    return problems


def _check_mask(path: Path, size: tuple[int, int], mask_above: int | None) -> None:
    mask = _naming(path, lambda data: defect_pixels(decode_image(data), mask_above))
    if mask.shape != size:
        height, width = mask.shape
        raise DecodeError("mask", f"{path} has {width} x {height} px, its image {size[1]} x {size[0]}")
    if not mask.any():
        raise DecodeError("mask", f"{path} marks nothing on a defective image")


def _naming(path: Path, read: Callable[[bytes], _Read]) -> _Read:
    try:
        return read(path.read_bytes())
    except OSError as error:
        raise DecodeError("file", f"{path}: {error.strerror}") from error
    except DecodeError as error:
        raise DecodeError(error.reason, f"{path}: {error}") from error
