"""A region as one vector: how it differs from what lies around it to the network and in its pixels, and its form.

Not what it looks like by itself: that tells the line, and a classifier that learns lines fails on a new one.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.kinds import contrast, outline
from models.kinds.neighbourhood import Neighbourhood, neighbourhoods
from models.kinds.region_pixels import region_pixels
from models.kinds.seen_picture import SeenPicture


def dims(fine_dims: int, coarse_dims: int) -> int:
    """Length of the vector for a student's features."""
    return fine_dims + coarse_dims + len(contrast.NAMES) + len(outline.NAMES)


def appearances(seen: SeenPicture, count: int) -> NDArray[np.float32]:
    """(count, D) of the first ``count`` regions: fine and coarse features inside minus those around, contrast, form.

    Defined for every region that holds a pixel: one pixel, one row, the whole picture. ValueError names an empty one.
    """
    regions = region_pixels(seen.numbers, count)
    shrunk = (seen.pixels[0].size / seen.numbers.size) ** 0.5
    vectors = [
        np.concatenate(
            [
                _pooled(seen, place),
                contrast.contrast(seen, region, place),
                outline.outline(region, shrunk),
            ]
        )
        for region, place in zip(regions, neighbourhoods(seen, regions), strict=True)
    ]
    width = dims(seen.features.fine.shape[0], seen.features.coarse.shape[0])
    return np.stack(vectors) if vectors else np.zeros((0, width), np.float32)


def _pooled(seen: SeenPicture, place: Neighbourhood) -> NDArray[np.float32]:
    """(F + C,)."""
    rows = np.flatnonzero((place.inside + place.around).any(axis=1))
    columns = np.flatnonzero((place.inside + place.around).any(axis=0))
    # An even window, so that it is one of the coarse grid, too.
    top, left = rows[0] // 2 * 2, columns[0] // 2 * 2
    bottom, right = rows[-1] // 2 * 2 + 2, columns[-1] // 2 * 2 + 2
    window = np.stack([place.inside[top:bottom, left:right], place.around[top:bottom, left:right]])  # (2, h, w)
    fine = seen.features.fine[:, top:bottom, left:right]
    coarse = seen.features.coarse[:, top // 2 : bottom // 2, left // 2 : right // 2]
    paired = window.reshape(2, window.shape[1] // 2, 2, window.shape[2] // 2, 2).sum(axis=(2, 4))
    return np.concatenate([_difference(fine, window), _difference(coarse, paired)])


def _difference(features: Tensor, weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Pool features (D, h, w) by weights (2, h, w): inside, around -> (D,), inside minus around."""
    flat = torch.from_numpy(np.ascontiguousarray(weights)).flatten(1).to(features.device)
    inside, around = (flat @ features.float().flatten(1).T).cpu().numpy()
    return np.asarray(inside - around, np.float32)
