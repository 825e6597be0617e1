"""Photographs of good surfaces that a user names, to draw lines on."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from wire.errors import ConfigurationError

_EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp"})


def load_photographs(folder: Path) -> tuple[NDArray[np.uint8], ...]:
    """Every readable image of ``folder``, by name, each (h, w, 3) RGB; ConfigurationError if there is none."""
    if not folder.is_dir():
        raise ConfigurationError([f"photographs: {folder} is not a folder"])
    found = []
    for name in photograph_names(folder):
        path = folder / name
        image = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
        if image is None:
            raise ConfigurationError([f"photographs: {path} is no readable image"])
        found.append(np.asarray(image, np.uint8))
    if not found:
        raise ConfigurationError([f"photographs: {folder} holds no image ({', '.join(sorted(_EXTENSIONS))})"])
    return tuple(found)


def photograph_names(folder: Path) -> tuple[str, ...]:
    """Names of the images of ``folder``, in order."""
    return tuple(sorted(path.name for path in folder.iterdir() if path.suffix.lower() in _EXTENSIONS))
