"""Parts that lie in a fixture: a patch's place is two more numbers of its vector.

Choice, search, reach and calibration of a bank stay as they are, and a place counts softly: a part that lies a little
askew is not strange.
"""

from typing import Final

import torch
from torch import Tensor

PLACE_DIMS: Final = 2
# The longer side of a picture counts for half the usual length of a feature. Circuit boards with one template each .942
# without, .957 with it (1: .949, 2: .929); drawn boards, caps, connectors, pills, wafers, four references: .945 always.
_WEIGHT = 0.5


def with_places(images: Tensor) -> Tensor:
    """(..., h, w, D) standardised features -> (..., h, w, D + 2), with row and column of each."""
    *_, height, width, dims = images.shape
    rows = (torch.arange(height, device=images.device) + 0.5)[:, None].expand(height, width)
    columns = (torch.arange(width, device=images.device) + 0.5).expand(height, width)
    # The usual length of a standardised feature is the root of its dimensions.
    places = torch.stack([rows, columns], dim=-1) * (_WEIGHT * dims**0.5 / max(height, width))
    return torch.cat([images, places.to(images.dtype).expand(*images.shape[:-1], PLACE_DIMS)], dim=-1)
