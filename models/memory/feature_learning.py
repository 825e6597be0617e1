"""A line's memory of the student's features learned from its references, each of which is compared with the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from models.backbones.student import StudentFeatures
from models.memory.bank import Bank, LeftOut, build_bank_and_leave_out, build_bank_of_views, left_out_at_once
from models.memory.coreset import CoresetSettings
from models.memory.feature_memory import Comparison, Difference, FeatureMemory, on_coarse_grid
from models.memory.fixture import with_places

# Axes of a picture (..., h, w) that are turned round: left to right, upside down, both.
MIRRORS: Final = ((-1,), (-2,), (-2, -1))
_SCALES = ("fine", "coarse")


@dataclass(frozen=True, kw_only=True)
class LeftOutComparisons:
    """References against the memory without their own patches.

    ``twice``: some of them, the first ones, against the memory without another reference, too; none of fewer than
    three. ``at_once``: how many references were left out together.
    """

    once: Sequence[Comparison]
    twice: Sequence[Comparison] = ()
    at_once: int = 1


def build_feature_memory(
    references: Sequence[StudentFeatures],
    valids: Sequence[Tensor | None],
    settings: CoresetSettings,
    *,
    max_vectors: int,
    mirrored: bool = False,
    aligned: bool = False,
) -> tuple[FeatureMemory, LeftOutComparisons]:
    """(memory, every reference compared with the memory without its own patches).

    references: one image each (B = 1); ``mirrored``: all of them, then all of them again for each of ``MIRRORS``; a
    mirror image is left out with its original and has no comparison of its own. A single reference is left out by
    quarters: each of its quarters is compared with the other three. ``aligned``: patches know their place
    (``fixture.py``). ValueError without a valid patch.
    """
    turns: tuple[tuple[int, ...], ...] = ((), *MIRRORS) if mirrored else ((),)
    originals = len(references) // len(turns)
    banks: dict[str, Bank] = {}
    once: dict[str, list[Difference]] = {}
    twice: dict[str, list[Difference]] = {}
    for scale in _SCALES:
        maps = [getattr(reference, scale)[0] for reference in references]  # (D, h, w) each
        masks = [
            _validity(valid if scale == "fine" else on_coarse_grid(valid, reference.coarse), own)
            for valid, own, reference in zip(valids, maps, references, strict=True)
        ]
        owners = _owners(masks[:originals])
        sources = [torch.flip(own, turn) for turn in turns for own in owners]
        banks[scale], left_out = _build_scale(
            maps, masks, sources, settings, max_vectors=max_vectors, mirrored=mirrored, aligned=aligned
        )
        once[scale], twice[scale] = (each[:originals] for each in left_out)
    memory = FeatureMemory(fine=banks["fine"], coarse=banks["coarse"])
    # Quarters of one part say nothing of another part.
    pairs = _comparisons(twice) if originals > 1 else []
    return memory, LeftOutComparisons(once=_comparisons(once), twice=pairs, at_once=left_out_at_once(originals))


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
    aligned: bool,
) -> tuple[Bank, tuple[list[Difference], list[Difference]]]:
    dims, images = len(maps[0]), [own.permute(1, 2, 0) for own in maps]  # (h, w, D) each
    patches = [(with_places(own) if aligned else own)[mask] for own, mask in zip(images, masks, strict=True)]
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
        bank, once, twice = build_bank_of_views(vectors, views, sources, settings, max_vectors=max_vectors)
    else:
        bank, once, twice = build_bank_and_leave_out(vectors, sources, settings, max_vectors=max_vectors)
    return bank, (
        _differences(vectors, masks, once, dims),
        [] if twice is None else _differences(vectors, masks, twice, dims),
    )


def _differences(vectors: Tensor, masks: Sequence[Tensor], left_out: LeftOut, dims: int) -> list[Difference]:
    """Of the first images, as far as they were left out: vectors (N, ``dims`` or more) of valid places of ``masks``."""
    found: list[Difference] = []
    start = 0
    for mask in masks:
        end = start + int(mask.sum())
        if end > len(left_out.ratios):
            break
        vector = (vectors[start:end] - left_out.nearest[start:end])[:, :dims]
        found.append(Difference.where(mask, left_out.ratios[start:end], vector))
        start = end
    return found


def _comparisons(scales: Mapping[str, Sequence[Difference]]) -> list[Comparison]:
    """Of as many images as both scales have."""
    return [
        Comparison(fine=fine, coarse=coarse) for fine, coarse in zip(scales["fine"], scales["coarse"], strict=False)
    ]


def _validity(valid: Tensor | None, features: Tensor) -> Tensor:
    return torch.ones(features.shape[-2:], dtype=torch.bool, device=features.device) if valid is None else valid


def _quarters(mask: Tensor) -> Tensor:
    """(h, w) int64: which quarter of the picture each cell lies in."""
    height, width = mask.shape
    down = torch.arange(height, device=mask.device) * 2 // height
    right = torch.arange(width, device=mask.device) * 2 // width
    return down[:, None] * 2 + right[None, :]
