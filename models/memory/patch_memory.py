"""The memory of one modality of one line: whitened patches of good parts, and how far a new part's patches lie off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.memory.coreset import CoresetSettings, select_coreset
from models.memory.search import nearest_distances
from models.memory.whitening import Whitening, WhiteningSettings, fit_whitening
from models.settings import PartSettings
from wire.errors import ShapeError

Map = NDArray[np.float32]

# Statistics need no more: beyond this the whitening changes by less than a draw of other references would change it.
_STATISTICS_PATCHES = 200_000


class MemorySettings(PartSettings):
    """``smoothing_cells``: Gaussian over the distance map, so that a score needs more than one odd patch."""

    whitening: WhiteningSettings
    coreset: CoresetSettings
    smoothing_cells: float


@dataclass(frozen=True, kw_only=True, eq=False)
class PatchFeatures:
    """values (C, h, w) of one image; ``valid`` (h, w) bool marks patches that saw enough of the part, None = all."""

    values: Tensor
    valid: Tensor | None = None

    def vectors(self) -> Tensor:
        """Valid patches as (N, C)."""
        flat = self.values.flatten(1).T
        return flat if self.valid is None else flat[self.valid.flatten()]


@dataclass(frozen=True, kw_only=True, eq=False)
class PatchMemory:
    """Whitening and bank (M, D). A function of references and settings; immutable."""

    whitening: Whitening
    bank: Tensor
    smoothing_cells: float

    @classmethod
    def from_tensors(
        cls,
        tensors: Mapping[str, NDArray[np.float32]],
        modality: str,
        settings: MemorySettings,
        device: torch.device,
    ) -> Self:
        """Read what ``tensors`` wrote for ``modality``; KeyError names the tensor that is missing."""
        mean, projection, bank = (
            torch.from_numpy(np.array(tensors[f"{modality}.{name}"], np.float32)).to(device)
            for name in ("mean", "projection", "bank")
        )
        if mean.shape[0] != projection.shape[0] or projection.shape[1] != bank.shape[1]:
            raise ShapeError(
                f"{modality}: mean {tuple(mean.shape)}, projection {tuple(projection.shape)} and bank "
                f"{tuple(bank.shape)} do not fit together"
            )
        whitening = Whitening(mean=mean, projection=projection)
        return cls(whitening=whitening, bank=bank, smoothing_cells=settings.smoothing_cells)

    def tensors(self, modality: str) -> dict[str, NDArray[np.float32]]:
        """By the names under which a line state keeps them."""
        named = {"mean": self.whitening.mean, "projection": self.whitening.projection, "bank": self.bank}
        return {f"{modality}.{name}": tensor.cpu().numpy() for name, tensor in named.items()}

    def distance_map(self, features: PatchFeatures) -> Map:
        """(h, w) float32 >= 0: distance of each patch to the nearest normal one, smoothed; 0 where not valid."""
        channels = self.whitening.mean.shape[0]
        if features.values.shape[0] != channels:
            raise ShapeError(f"features have {features.values.shape[0]} channels, the memory was built on {channels}")
        return _distance_map(features, self.whitening, self.bank, self.smoothing_cells)


def build_patch_memory(
    references: Sequence[PatchFeatures], settings: MemorySettings, *, max_vectors: int
) -> tuple[PatchMemory, list[Map]]:
    """(memory, leave-one-out maps). The i-th map is reference i against the bank without its own patches.

    ValueError with fewer than two references that have a valid patch.
    """
    per_image = [reference.vectors() for reference in references]
    if sum(len(vectors) > 0 for vectors in per_image) < 2:
        raise ValueError(f"{len(references)} references with too few valid patches; a memory needs at least 2")
    vectors = torch.cat(per_image)
    sources = torch.repeat_interleave(torch.arange(len(per_image)), torch.tensor([len(v) for v in per_image]))
    step = -(-len(vectors) // _STATISTICS_PATCHES)
    whitening = fit_whitening(vectors[::step], settings.whitening)
    white = whitening(vectors)
    keep = select_coreset(white, sources, max_vectors, settings.coreset)
    bank, bank_sources = white[keep].contiguous(), sources[keep]
    memory = PatchMemory(whitening=whitening, bank=bank, smoothing_cells=settings.smoothing_cells)
    left_out = [
        _distance_map(reference, whitening, bank[bank_sources != index], settings.smoothing_cells)
        for index, reference in enumerate(references)
    ]
    return memory, left_out


def _distance_map(features: PatchFeatures, whitening: Whitening, bank: Tensor, smoothing_cells: float) -> Map:
    height, width = features.values.shape[1:]
    distances = nearest_distances(whitening(features.vectors()), bank)
    if features.valid is None:
        grid = distances.view(height, width)
    else:
        grid = torch.zeros(height, width)
        grid[features.valid] = distances
    return smooth(grid.numpy(), smoothing_cells)


def smooth(grid: Map, sigma_cells: float) -> Map:
    """Gaussian over (h, w); sigma 0 = as it is."""
    return np.asarray(cv2.GaussianBlur(grid, (0, 0), sigma_cells), np.float32) if sigma_cells else grid
