from pathlib import Path

import cv2
import numpy as np
import pytest

from models.evaluate.near_duplicates import ALIKE, NearDuplicates, likeness, spectrum
from models.evaluate.sample import Sample
from tests.unit.models.evaluate.drawn_sets import write

# Blur of the noise across and along: grains, and the lines of a brushed surface.
CAST, BRUSHED = (2.0, 2.0), (1.0, 40.0)


def picture(blur: tuple[float, float], index: int) -> np.ndarray:
    """(192, 256, 3): one piece of a material, with the shading that all pieces have."""
    noise = np.random.default_rng(index).standard_normal((192, 256)).astype(np.float32)
    texture = cv2.GaussianBlur(noise, (0, 0), sigmaX=blur[0], sigmaY=blur[1])
    shading = np.linspace(-30, 30, 256, dtype=np.float32)[None]
    grey = np.clip(120 + shading + 15 * texture / texture.std(), 0, 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def copied(image: np.ndarray, *, right: int = 10, down: int = 7, quality: int = 30, gain: float = 1.2) -> np.ndarray:
    """Shifted by 4 % both ways, brighter, as a poor JPEG."""
    move = np.array([[1, 0, right], [0, 1, down]], np.float32)
    moved = cv2.warpAffine(image, move, (image.shape[1], image.shape[0]), borderMode=cv2.BORDER_REFLECT)
    bright = np.clip(moved.astype(np.float32) * gain, 0, 255).astype(np.uint8)
    return cv2.imdecode(cv2.imencode(".jpg", bright, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def test_equal_images_are_wholly_alike() -> None:
    one = spectrum(picture(CAST, 0))

    assert likeness(one, one) == pytest.approx(1.0, abs=1e-3)


def test_an_image_without_any_texture_is_like_nothing() -> None:
    flat = spectrum(np.full((50, 60, 3), 128, np.uint8))

    assert likeness(flat, flat) == 0.0
    assert likeness(flat, spectrum(picture(CAST, 0))) == 0.0


@pytest.mark.parametrize("blur", [CAST, BRUSHED], ids=["cast", "brushed"])
def test_shifted_brightened_and_compressed_copies_are_found_and_other_parts_are_not(blur: tuple[float, float]) -> None:
    originals = [picture(blur, index) for index in range(6)]
    spectra = [spectrum(image) for image in originals]

    of_copies = [likeness(own, spectrum(copied(image))) for own, image in zip(spectra, originals, strict=True)]
    of_others = [likeness(spectra[i], spectra[j]) for i in range(6) for j in range(i)]

    assert min(of_copies) > ALIKE
    assert max(of_others) < ALIKE


def test_files_are_compared_once_in_each_direction(tmp_path: Path) -> None:
    image = picture(CAST, 0)
    names = ("one.png", "copy.png", "other.png")
    for name, pixels in zip(names, (image, copied(image), picture(CAST, 1)), strict=True):
        write(tmp_path / name, pixels)
    one, copy, other = (Sample(image=tmp_path / name, name=name, kind="good") for name in names)
    duplicates = NearDuplicates()

    assert duplicates.alike(one, copy) and duplicates.alike(copy, one) and duplicates.alike(one, one)
    assert not duplicates.alike(one, other)
    (tmp_path / "copy.png").unlink()
    assert duplicates.alike(one, copy)
