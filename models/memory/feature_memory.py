"""A line's memory of the student's features: one bank per scale, and what a part differs from in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from models.backbones.student import StudentFeatures
from models.memory.bank import Bank, bank_of_all, build_bank, build_bank_of_views
from models.memory.coreset import CoresetSettings
from wire.errors import ShapeError

# Axes of a picture (..., h, w) that are turned round: left to right, upside down, both.
MIRRORS: Final = ((-1,), (-2,), (-2, -1))
_SCALES = ("fine", "coarse")


@dataclass(frozen=True, kw_only=True, eq=False)
class Difference:
    """One image against a memory, at one scale.

    ratio (h, w): distance to the nearest good patch over that one's reach, about 1 on good parts; vector (D, h, w):
    feature minus nearest good feature. Both 0 where not valid.
    """

    ratio: Tensor
    vector: Tensor


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
        """As ``build_feature_memory`` makes it where every patch fits, without what was left out."""

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

    def compare(self, features: StudentFeatures, valid: Tensor | None = None) -> Comparison:
        """One image's features (B = 1); ``valid`` (h, w) bool on the fine grid, None = all."""
        return Comparison(
            fine=_compare(self.fine, features.fine[0], valid),
            coarse=_compare(self.coarse, features.coarse[0], on_coarse_grid(valid, features.coarse)),
        )

    def compare_all(self, features: StudentFeatures) -> list[Comparison]:
        """Every one of B images of one shape, valid everywhere, in one search."""
        fine, coarse = (_compare_all(bank, own) for bank, own in
                        ((self.fine, features.fine), (self.coarse, features.coarse)))  # fmt: skip
        return [Comparison(fine=each, coarse=below) for each, below in zip(fine, coarse, strict=True)]


def build_feature_memory(
    references: Sequence[StudentFeatures],
    valids: Sequence[Tensor | None],
    settings: CoresetSettings,
    *,
    max_vectors: int,
    mirrored: bool = False,
) -> tuple[FeatureMemory, list[Comparison]]:
    """(memory, comparison of every reference with the memory without its own patches).

    references: one image each (B = 1); ``mirrored``: all of them, then all of them again for each of ``MIRRORS``; a
    mirror image is left out with its original and has no comparison of its own. A single reference is left out by
    quarters: each of its quarters is compared with the other three. ValueError without a valid patch.
    """
    turns: tuple[tuple[int, ...], ...] = ((), *MIRRORS) if mirrored else ((),)
    banks: dict[str, Bank] = {}
    left_out: dict[str, list[Difference]] = {}
    for scale in _SCALES:
        maps = [getattr(reference, scale)[0] for reference in references]  # (D, h, w) each
        masks = [
            _validity(valid if scale == "fine" else on_coarse_grid(valid, reference.coarse), own)
            for valid, own, reference in zip(valids, maps, references, strict=True)
        ]
        owners = _owners(masks[: len(masks) // len(turns)])
        sources = [torch.flip(own, turn) for turn in turns for own in owners]
        banks[scale], left_out[scale] = _build_scale(
            maps, masks, sources, settings, max_vectors=max_vectors, mirrored=mirrored
        )
    memory = FeatureMemory(fine=banks["fine"], coarse=banks["coarse"])
    pairs = zip(left_out["fine"], left_out["coarse"], strict=True)
    originals = len(references) // len(turns)
    return memory, [Comparison(fine=fine, coarse=coarse) for fine, coarse in pairs][:originals]


def on_coarse_grid(valid: Tensor | None, coarse: Tensor) -> Tensor | None:
    """A mask of the fine grid (h, w) on the coarse one: valid where any of its cells is."""
    if valid is None:
        return None
    height, width = coarse.shape[-2:]
    return F.adaptive_max_pool2d(valid.float()[None, None], (height, width))[0, 0] > 0


def _owners(masks: Sequence[Tensor]) -> list[Tensor]:
    """(h, w) int64 of each picture: the number of what is left out together: itself or, of a single one, a quarter."""
    if len(masks) == 1:
        return [_quarters(masks[0])]
    return [torch.full(mask.shape, number, device=mask.device) for number, mask in enumerate(masks)]


def _build_scale(
    maps: Sequence[Tensor],
    masks: Sequence[Tensor],
    owners: Sequence[Tensor],
    settings: CoresetSettings,
    *,
    max_vectors: int,
    mirrored: bool,
) -> tuple[Bank, list[Difference]]:
    patches = [own[:, mask].T for own, mask in zip(maps, masks, strict=True)]  # (n, D) each
    seen = torch.cat([own[mask] for own, mask in zip(owners, masks, strict=True)])
    # Numbered without gaps: a picture may be without a valid patch.
    known, sources = torch.unique(seen, return_inverse=True)
    if len(known) < 2:
        raise ValueError("the references show too few valid patches to build a memory from")
    vectors = torch.cat(patches).contiguous()
    sizes = [len(own) for own in patches]
    if mirrored:
        views = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes)).to(vectors.device)
        views = torch.unique(views, return_inverse=True)[1]
        bank, left_out = build_bank_of_views(vectors, views, sources, settings, max_vectors=max_vectors)
    else:
        bank, left_out = build_bank(vectors, sources, settings, max_vectors=max_vectors)
    differences = vectors - left_out.nearest
    return bank, [
        _difference(mask, ratios, vector)
        for mask, ratios, vector in zip(
            masks, torch.split(left_out.ratios, sizes), torch.split(differences, sizes), strict=True
        )
    ]


def _compare(bank: Bank, features: Tensor, valid: Tensor | None) -> Difference:
    dims, height, width = features.shape
    if dims != bank.vectors.shape[1]:
        raise ShapeError(f"features have {dims} channels, the memory has {bank.vectors.shape[1]}")
    places = features.permute(1, 2, 0)  # (h, w, D); in one piece where features are channels last
    patches = places.reshape(-1, dims) if valid is None else places[valid]  # (n, D)
    ratios, nearest = bank.compare(patches)
    vectors = patches - bank.vectors[nearest]
    if valid is not None:
        return _difference(valid, ratios, vectors)
    # Channels last, as the decoder wants it: an eighth of a comparison's time would go into moving numbers about.
    return Difference(ratio=ratios.view(height, width), vector=vectors.view(height, width, dims).permute(2, 0, 1))


def _compare_all(bank: Bank, features: Tensor) -> list[Difference]:
    """Every one of B images: features (B, D, h, w)."""
    places = features.permute(0, 2, 3, 1)  # (B, h, w, D)
    patches = places.reshape(-1, places.shape[-1])
    ratios, nearest = bank.compare(patches)
    vectors = (patches - bank.vectors[nearest]).view(places.shape).permute(0, 3, 1, 2)
    return [Difference(ratio=r, vector=v) for r, v in zip(ratios.view(places.shape[:-1]), vectors, strict=True)]


def _difference(mask: Tensor, ratios: Tensor, vectors: Tensor) -> Difference:
    ratio = torch.zeros(mask.shape, device=ratios.device)
    ratio[mask] = ratios
    vector = torch.zeros((vectors.shape[1], *mask.shape), device=ratios.device)
    vector[:, mask] = vectors.T
    return Difference(ratio=ratio, vector=vector)


def _validity(valid: Tensor | None, features: Tensor) -> Tensor:
    return torch.ones(features.shape[-2:], dtype=torch.bool, device=features.device) if valid is None else valid


def _quarters(mask: Tensor) -> Tensor:
    """(h, w) int64: which quarter of the picture each cell lies in."""
    height, width = mask.shape
    down = torch.arange(height, device=mask.device) * 2 // height
    right = torch.arange(width, device=mask.device) * 2 // width
    return down[:, None] * 2 + right[None, :]
