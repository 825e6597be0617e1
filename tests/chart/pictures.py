"""Pictures of a surface, each a little different."""

from pathlib import Path

import numpy as np

from wire.image_codec import encode_jpeg


def write_pictures(folder: Path, count: int, *, seed: int = 7) -> None:
    """Write ``count`` grey, grainy JPEG pictures of 160 x 120."""
    folder.mkdir(parents=True, exist_ok=True)
    dice = np.random.default_rng(seed)
    for number in range(count):
        grain = dice.normal(128, 10, (120, 160, 1)).clip(0, 255).astype(np.uint8)
        (folder / f"part{number:04}.jpg").write_bytes(encode_jpeg(np.repeat(grain, 3, axis=2)))
