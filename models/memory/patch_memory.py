"""The memory of one modality of one line: how far a new part's patches lie from those of good parts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.memory.bank import Bank, build_bank_and_leave_out
from models.memory.coreset import CoresetSettings
from models.memory.places import MIN_REFERENCES, Places, build_places
from models.memory.whitening import Whitening, WhiteningSettings, fit_whitening
from models.settings import PartSettings
from wire.errors import ShapeError

Map = NDArray[np.float32]

# Statistics need no more: beyond this the whitening changes by less than a draw of other references would change it.
_STATISTICS_PATCHES = 200_000
# One unit of a map: the ratio that this share of the places of good parts stays below.
_UNIT_QUANTILE = 0.9995
# Good parts never agree better than to this share of their own distance.
_SMALLEST_UNIT = 0.05


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

    def validity(self) -> Tensor:
        """(h, w) bool."""
        shape = self.values.shape[1:]
        return torch.ones(shape, dtype=torch.bool, device=self.values.device) if self.valid is None else self.valid


@dataclass(frozen=True, kw_only=True, eq=False)
class PatchMemory:
    """Whitening, bank and, for aligned parts, places. A function of references and settings; immutable.

    ``units`` (2,): what one unit of the map is in ratios of bank and places.
    """

    whitening: Whitening
    bank: Bank
    places: Places | None
    units: Tensor
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

        def read(name: str) -> Tensor:
            return torch.from_numpy(np.array(tensors[f"{modality}.{name}"], np.float32)).to(device)

        mean, projection, vectors = read("mean"), read("projection"), read("bank")
        if mean.shape[0] != projection.shape[0] or projection.shape[1] != vectors.shape[1]:
            raise ShapeError(
                f"{modality}: mean {tuple(mean.shape)}, projection {tuple(projection.shape)} and bank "
                f"{tuple(vectors.shape)} do not fit together"
            )
        has_places = f"{modality}.place_mean" in tensors
        return cls(
            whitening=Whitening(mean=mean, projection=projection),
            bank=Bank(vectors=vectors, reach=read("reach")),
            places=Places(mean=read("place_mean"), spread=read("place_spread")) if has_places else None,
            units=read("units"),
            smoothing_cells=settings.smoothing_cells,
        )

    def tensors(self, modality: str) -> dict[str, NDArray[np.float32]]:
        """By the names under which a line state keeps them."""
        named = {
            "mean": self.whitening.mean,
            "projection": self.whitening.projection,
            "bank": self.bank.vectors,
            "reach": self.bank.reach,
            "units": self.units,
        }
        if self.places is not None:
            named |= {"place_mean": self.places.mean, "place_spread": self.places.spread}
        return {f"{modality}.{name}": tensor.cpu().numpy() for name, tensor in named.items()}

    def anomaly_map(self, features: PatchFeatures) -> Map:
        """(h, w) float32 >= 0: 0 as usual, 1 what one of 2000 places of good parts exceeds; 0 where not valid."""
        channels = self.whitening.mean.shape[0]
        if features.values.shape[0] != channels:
            raise ShapeError(f"features have {features.values.shape[0]} channels, the memory was built on {channels}")
        valid = features.validity()
        white = _whiten(features, self.whitening)  # (D, h, w)
        bank = _on_grid(self.bank.ratios(white[:, valid].T.contiguous()), valid)
        places = None
        if self.places is not None and self.places.fits(white):
            places = torch.where(valid, self.places.ratios(white), 0)
        return _combine(
            smooth(bank.cpu().numpy(), self.smoothing_cells),
            None if places is None else smooth(places.cpu().numpy(), self.smoothing_cells),
            self.units.cpu().numpy(),
        )


def build_patch_memory(
    references: Sequence[PatchFeatures], settings: MemorySettings, *, max_vectors: int
) -> tuple[PatchMemory, list[Map]]:
    """(memory, leave-one-out maps). The i-th map is reference i against the memory without its own patches.

    ValueError with fewer than two references that have a valid patch.
    """
    per_image = [reference.vectors() for reference in references]
    if sum(len(vectors) > 0 for vectors in per_image) < 2:
        raise ValueError(f"{len(references)} references with too few valid patches; a memory needs at least 2")
    vectors = torch.cat(per_image)
    counts = torch.tensor([len(v) for v in per_image], device=vectors.device)
    sources = torch.repeat_interleave(torch.arange(len(per_image), device=vectors.device), counts)
    whitening = fit_whitening(vectors[:: -(-len(vectors) // _STATISTICS_PATCHES)], settings.whitening)
    bank, left_out_patches, _ = build_bank_and_leave_out(
        whitening(vectors), sources, settings.coreset, max_vectors=max_vectors
    )
    bank_maps = [
        smooth(_on_grid(own, reference.validity()).cpu().numpy(), settings.smoothing_cells)
        for own, reference in zip(torch.split(left_out_patches.ratios, counts.tolist()), references, strict=True)
    ]
    places, place_maps = _build_places(references, whitening, settings)
    units = np.array([_unit(bank_maps), _unit(place_maps) if place_maps else 1.0], np.float32)
    memory = PatchMemory(
        whitening=whitening,
        bank=bank,
        places=places,
        units=torch.from_numpy(units).to(vectors.device),
        smoothing_cells=settings.smoothing_cells,
    )
    left_out = [_combine(m, place_maps[i] if place_maps else None, units) for i, m in enumerate(bank_maps)]
    return memory, left_out


def _build_places(
    references: Sequence[PatchFeatures], whitening: Whitening, settings: MemorySettings
) -> tuple[Places | None, list[Map]]:
    if len(references) < MIN_REFERENCES or len({reference.values.shape for reference in references}) > 1:
        return None, []
    white = torch.stack([_whiten(reference, whitening) for reference in references])  # (N, D, h, w)
    places, ratios = build_places(white, torch.stack([reference.validity() for reference in references]))
    return places, [smooth(own.cpu().numpy(), settings.smoothing_cells) for own in ratios]


def _whiten(features: PatchFeatures, whitening: Whitening) -> Tensor:
    height, width = features.values.shape[1:]
    return whitening(features.values.flatten(1).T).T.reshape(-1, height, width)


def _on_grid(values: Tensor, valid: Tensor) -> Tensor:
    grid = torch.zeros(valid.shape, device=values.device)
    grid[valid] = values
    return grid


def _unit(maps: Sequence[Map]) -> float:
    return max(float(np.quantile(np.concatenate([m.ravel() for m in maps]), _UNIT_QUANTILE)) - 1, _SMALLEST_UNIT)


def _combine(bank: Map, places: Map | None, units: NDArray[np.float32]) -> Map:
    """The stronger of both kinds of evidence, in units; nothing below the usual distance counts."""
    combined = (bank - 1) / units[0]
    if places is not None:
        combined = np.maximum(combined, (places - 1) / units[1])
    return np.asarray(np.maximum(combined, 0), np.float32)


def smooth(grid: Map, sigma_cells: float) -> Map:
    """Gaussian over (h, w); sigma 0 = as it is."""
    return np.asarray(cv2.GaussianBlur(grid, (0, 0), sigma_cells), np.float32) if sigma_cells else grid
