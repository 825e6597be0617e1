"""A line's memory of the student's features: one bank per scale, and what a part differs from in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from models.backbones.student import StudentFeatures
from models.memory.bank import Bank, bank_of_all, compare_in_each
from models.memory.fixture import PLACE_DIMS, with_places
from wire.errors import ShapeError


@dataclass(frozen=True, kw_only=True, eq=False)
class Difference:
    """One image against a memory, at one scale.

    ratio (h, w): distance to the nearest good patch over that one's reach, about 1 on good parts; vector (D, h, w):
    feature minus nearest good feature. Both 0 where not valid.
    """

    ratio: Tensor
    vector: Tensor

    @classmethod
    def where(cls, valid: Tensor, ratios: Tensor, vectors: Tensor) -> Self:
        """Of the n places of ``valid`` (h, w) bool that are: ratios (n,), vectors (n, D)."""
        ratio = torch.zeros(valid.shape, device=ratios.device)
        ratio[valid] = ratios
        vector = torch.zeros((vectors.shape[1], *valid.shape), device=ratios.device)
        vector[:, valid] = vectors.T
        return cls(ratio=ratio, vector=vector)


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """One image against a memory, at both scales."""

    fine: Difference
    coarse: Difference


@dataclass(frozen=True, kw_only=True, eq=False)
class FeatureMemory:
    """Banks of good patches at both scales. A function of references and settings; immutable."""

    fine: Bank
    coarse: Bank

    @classmethod
    def of_all(cls, references: Sequence[StudentFeatures]) -> Self:
        """As ``feature_learning`` makes it where every patch fits, without what was left out."""

        def bank(scale: str) -> Bank:
            maps = [getattr(reference, scale)[0] for reference in references]  # (D, h, w) each
            if len(maps) == 1:
                maps = [side for half in maps[0].tensor_split(2, dim=1) for side in half.tensor_split(2, dim=2)]
            return bank_of_all([own.permute(1, 2, 0).reshape(-1, len(own)) for own in maps])

        return cls(fine=bank("fine"), coarse=bank("coarse"))

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[np.float32]], modality: str, device: torch.device) -> Self:
        """Read what ``tensors`` wrote for ``modality``; KeyError names the tensor that is missing."""

        def bank(scale: str) -> Bank:
            vectors, reach = (
                torch.from_numpy(np.array(tensors[f"{modality}.{scale}_{name}"], np.float32)).to(device)
                for name in ("bank", "reach")
            )
            return Bank(vectors=vectors, reach=reach)

        return cls(fine=bank("fine"), coarse=bank("coarse"))

    def tensors(self, modality: str) -> dict[str, NDArray[np.float32]]:
        """By the names under which a line state keeps them."""
        named = {
            "fine_bank": self.fine.vectors,
            "fine_reach": self.fine.reach,
            "coarse_bank": self.coarse.vectors,
            "coarse_reach": self.coarse.reach,
        }
        return {f"{modality}.{name}": tensor.cpu().numpy() for name, tensor in named.items()}

    @property
    def size_bytes(self) -> int:
        """Memory of both banks."""
        return self.fine.size_bytes + self.coarse.size_bytes

    def compare(self, features: StudentFeatures, valid: Tensor | None = None) -> Comparison:
        """One image's features (B = 1); ``valid`` (h, w) bool on the fine grid, None = all."""
        return Comparison(
            fine=_compare_all([self.fine], [features.fine], [valid])[0],
            coarse=_compare_all([self.coarse], [features.coarse], [on_coarse_grid(valid, features.coarse)])[0],
        )

    def compare_all(self, features: StudentFeatures) -> list[Comparison]:
        """Every one of B images of one shape, valid everywhere, in one search."""
        return [each for each in compare_in_memories(features, [self] * len(features.fine)) if each is not None]


def compare_in_memories(
    features: StudentFeatures,
    memories: Sequence[FeatureMemory | None],
    valids: Sequence[Tensor | None] | None = None,
) -> list[Comparison | None]:
    """B images of one shape, image i with ``memories[i]``; None = without. All of one memory share a search.

    ``valids``: (h, w) bool each on the fine grid, None = all. ShapeError if a memory is of other features.
    """
    masks = [None] * len(memories) if valids is None else valids
    known: dict[int, FeatureMemory] = {id(memory): memory for memory in memories if memory is not None}
    own = {key: [i for i, memory in enumerate(memories) if memory is known[key]] for key in known}
    order = [index for indices in own.values() for index in indices]
    fine = _compare_all(
        [memory.fine for memory in known.values()],
        [_some(features.fine, indices) for indices in own.values()],
        [masks[index] for index in order],
    )
    coarse = _compare_all(
        [memory.coarse for memory in known.values()],
        [_some(features.coarse, indices) for indices in own.values()],
        [on_coarse_grid(masks[index], features.coarse) for index in order],
    )
    found: list[Comparison | None] = [None] * len(memories)
    for index, each, below in zip(order, fine, coarse, strict=True):
        found[index] = Comparison(fine=each, coarse=below)
    return found


def on_coarse_grid(valid: Tensor | None, coarse: Tensor) -> Tensor | None:
    """A mask of the fine grid (h, w) on the coarse one: valid where any of its cells is."""
    if valid is None:
        return None
    height, width = coarse.shape[-2:]
    return F.adaptive_max_pool2d(valid.float()[None, None], (height, width))[0, 0] > 0


def _some(features: Tensor, indices: Sequence[int]) -> Tensor:
    """Those of some images; all of them as they are, without a copy."""
    return features if list(indices) == list(range(len(features))) else features[list(indices)]


def _compare_all(
    banks: Sequence[Bank], features: Sequence[Tensor], valids: Sequence[Tensor | None]
) -> list[Difference]:
    """All images (B, D, h, w) of ``features[i]`` with ``banks[i]``, one after the other; ``valids``: one per image."""
    masks = iter(valids)
    own = [[next(masks) for _ in images] for images in features]
    # (B, h, w, D); in one piece where features are channels last.
    places = [images.permute(0, 2, 3, 1) for images in features]
    patches = [_patches(_like(images, bank), some) for images, bank, some in zip(places, banks, own, strict=True)]
    found = compare_in_each(patches, banks)
    differences: list[Difference] = []
    for bank, images, some, seen, (ratios, nearest) in zip(banks, places, own, patches, found, strict=True):
        vectors = (seen - bank.vectors[nearest])[:, : images.shape[-1]]
        sizes = [images[0].shape[:2].numel() if mask is None else int(mask.sum()) for mask in some]
        parts = zip(some, torch.split(ratios, sizes), torch.split(vectors, sizes), strict=True)
        differences += [_on_grid(mask, images.shape[1:], ratio, vector) for mask, ratio, vector in parts]
    return differences


def _like(images: Tensor, bank: Bank) -> Tensor:
    """(B, h, w, D), with places if the bank has them; ShapeError if it is of other features."""
    dims, known = images.shape[-1], bank.vectors.shape[1]
    if known == dims + PLACE_DIMS:
        return with_places(images)
    if known != dims:
        raise ShapeError(f"features have {dims} channels, the memory has {known}")
    return images


def _patches(images: Tensor, masks: Sequence[Tensor | None]) -> Tensor:
    """(B, h, w, D) -> (N, D): the valid places of all images."""
    if all(mask is None for mask in masks):
        return images.reshape(-1, images.shape[-1])
    return torch.cat(
        [image.flatten(0, 1) if mask is None else image[mask] for image, mask in zip(images, masks, strict=True)]
    )


def _on_grid(mask: Tensor | None, shape: tuple[int, ...], ratios: Tensor, vectors: Tensor) -> Difference:
    """``shape``: (h, w, D)."""
    if mask is not None:
        return Difference.where(mask, ratios, vectors)
    # Channels last, as the decoder wants it: an eighth of a comparison's time would go into moving numbers about.
    return Difference(ratio=ratios.view(shape[:2]), vector=vectors.view(shape).permute(2, 0, 1))
