"""How a region's pixels differ from those around it: lightness, colour, roughness."""

import numpy as np
from numpy.typing import NDArray

from models.backbones.student import FINE_STRIDE_PX
from models.kinds.neighbourhood import Neighbourhood
from models.kinds.region_pixels import RegionPixels
from models.kinds.seen_picture import SeenPicture

NAMES = (
    "lighter", "redder", "yellower", "lighter_sigma", "colour", "rougher", "roughness", "steeper", "steepness",
    "darkest", "lightest", "level",
)  # fmt: skip
# Below half a grey level there is no roughness to compare: quantised pixels.
_FLOOR = 0.002


def contrast(seen: SeenPicture, region: RegionPixels, place: Neighbourhood) -> NDArray[np.float32]:
    """(12,) of a region; levels in [0, 1], ratios as logarithms; 0 differences where nothing lies around it."""
    height, width = seen.pixels.shape[-2:]
    box = _window(place, height, width)
    red, green, blue = seen.pixels[(slice(None), *box)]
    grey = np.float32(0.299) * red + np.float32(0.587) * green + np.float32(0.114) * blue
    planes = np.stack([grey, red - green, (red + green) / 2 - blue])  # (3, h, w) of the window
    steep = np.hypot(*np.gradient(np.pad(grey, 1, mode="edge")))[1:-1, 1:-1]
    y, x = region.on_working_picture((height, width))
    inside = np.zeros(grey.shape, np.bool_)
    inside[y - box[0].start, x - box[1].start] = True
    cells = place.ring[tuple(slice(side.start // FINE_STRIDE_PX, -(-side.stop // FINE_STRIDE_PX)) for side in box)]
    ring = cells.repeat(FINE_STRIDE_PX, 0).repeat(FINE_STRIDE_PX, 1)[: grey.shape[0], : grey.shape[1]] & ~inside
    if not ring.any():
        ring = inside
    own, around = planes[:, inside], planes[:, ring]  # (3, n)
    delta = own.mean(axis=1) - around.mean(axis=1)
    spread, own_spread = float(around[0].std()) + _FLOOR, float(own[0].std()) + _FLOOR
    edges, own_edges = float(steep[ring].mean()) + _FLOOR, float(steep[inside].mean()) + _FLOOR
    low, high = np.quantile(own[0], (0.05, 0.95)) - float(np.median(around[0]))
    return np.array(
        [
            delta[0],
            delta[1],
            delta[2],
            np.clip(delta[0] / spread, -20, 20),
            float(np.hypot(delta[1], delta[2])),
            np.log(own_spread / spread),
            np.log(own_spread),
            np.log(own_edges / edges),
            np.log(own_edges),
            low,
            high,
            around[0].mean(),
        ],
        np.float32,
    )


def _window(place: Neighbourhood, height: int, width: int) -> tuple[slice, slice]:
    used = place.ring | (place.inside > 0)
    rows, columns = np.flatnonzero(used.any(axis=1)), np.flatnonzero(used.any(axis=0))
    return (
        slice(int(rows[0]) * FINE_STRIDE_PX, min(int(rows[-1] + 1) * FINE_STRIDE_PX, height)),
        slice(int(columns[0]) * FINE_STRIDE_PX, min(int(columns[-1] + 1) * FINE_STRIDE_PX, width)),
    )
