"""The bank: a bounded choice of patches of good parts, each with its reach, wherever on the part they were."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from models.memory.coreset import CoresetSettings, in_place_of_each, select_coreset
from models.memory.many_banks import nearest_in_each
from models.memory.search import nearest

# How many patches of the average reach each bank vector starts with. Without them a vector that was hardly ever the
# nearest would have a reach of chance; with many, printed edges would have to be as calm as blank surface.
_PRIOR_PATCHES = 4.0
# Whitened units. Identical references (a camera that repeats its frame) lie at distance 0 from each other; a reach of
# 0 would make the faintest noise of the next part infinitely unusual.
_LEAST_TYPICAL = 0.05


@dataclass(frozen=True, kw_only=True, eq=False)
class Bank:
    """vectors (M, D) whitened; ``reach`` (M,): how far good patches usually lie from this vector."""

    vectors: Tensor
    reach: Tensor

    def ratios(self, patches: Tensor) -> Tensor:
        """Compare patches (N, D) -> (N,): distance to the nearest vector over its reach; about 1 on good parts."""
        return self.compare(patches)[0]

    def compare(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """As ``ratios``, with the index (N,) int64 of the nearest vector."""
        distances, indices = nearest(patches, self.vectors)
        return distances / self.reach[indices], indices

    @property
    def size_bytes(self) -> int:
        """Memory of its tensors."""
        return self.vectors.nbytes + self.reach.nbytes


def compare_in_each(patches: Sequence[Tensor], banks: Sequence[Bank]) -> list[tuple[Tensor, Tensor]]:
    """``banks[i].compare(patches[i])`` of every line, in one search where the device likes that."""
    found = nearest_in_each(patches, [bank.vectors for bank in banks])
    return [(distances / bank.reach[indices], indices) for (distances, indices), bank in zip(found, banks, strict=True)]


@dataclass(frozen=True, kw_only=True, eq=False)
class LeftOut:
    """Every patch against a bank without its own image: ratios (N,), ``nearest`` (N, D) the vectors found."""

    ratios: Tensor
    nearest: Tensor


def bank_of_all(parts: Sequence[Tensor]) -> Bank:
    """A bank that keeps every patch: parts (n, D) each, at least two, of which each is left out by turns.

    As ``build_bank`` makes it where all of them fit, without saying what was left out.
    """
    vectors = torch.cat(list(parts))
    distances, found_in = [], []
    start = 0
    for own in parts:
        end = start + len(own)
        found, index = nearest(own, torch.cat([vectors[:start], vectors[end:]]))
        distances.append(found)
        found_in.append(torch.where(index < start, index, index + len(own)))
        start = end
    distance = torch.cat(distances)
    total, number = _sums(torch.cat(found_in), distance, len(vectors))
    return Bank(vectors=vectors, reach=_reach(total, number, distance.mean().clamp_min(_LEAST_TYPICAL)))


def build_bank(
    patches: Tensor, sources: Tensor, settings: CoresetSettings, *, max_vectors: int
) -> tuple[Bank, LeftOut]:
    """(bank, its patches left out image by image).

    patches (N, D) from images sources (N,) int64 in 0..images-1, of which at least two have patches.
    """
    # On the CPU: thousands of tiny steps, and the same choice whatever the device.
    on_cpu, sources_on_cpu = patches.cpu(), sources.cpu()
    keep = select_coreset(on_cpu, sources_on_cpu, max_vectors, settings)
    vectors, columns = patches[keep.to(patches.device)].contiguous(), torch.arange(len(keep), device=patches.device)
    owners = sources[keep.to(patches.device)]
    distances = torch.zeros(len(patches), device=patches.device)
    found_in = torch.zeros(len(patches), dtype=torch.int64, device=patches.device)
    nearests = torch.empty_like(patches)
    images = [(sources == image).nonzero()[:, 0] for image in range(int(sources.max()) + 1)]
    added = in_place_of_each(on_cpu, sources_on_cpu, keep, max_vectors, settings)
    for image, (own, instead) in enumerate(zip(images, added, strict=True)):
        extra = patches[instead.to(patches.device)]
        # What was not in the bank has the reach of the bank vector it lies next to.
        hosts = nearest(extra, vectors)[1]
        without = torch.cat([vectors[owners != image], extra])
        found, index = nearest(patches[own], without)
        distances[own], nearests[own] = found, without[index]
        found_in[own] = torch.cat([columns[owners != image], hosts])[index]
    total, number = _sums(found_in, distances, len(vectors))
    typical = distances.mean().clamp_min(_LEAST_TYPICAL)
    ratios = torch.zeros_like(distances)
    for own in images:
        own_total, own_number = _sums(found_in[own], distances[own], len(vectors))
        reach = _reach(total - own_total, number - own_number, typical)
        ratios[own] = distances[own] / reach[found_in[own]]
    return Bank(vectors=vectors, reach=_reach(total, number, typical)), LeftOut(ratios=ratios, nearest=nearests)


def build_bank_of_views(
    patches: Tensor, views: Tensor, owners: Tensor, settings: CoresetSettings, *, max_vectors: int
) -> tuple[Bank, LeftOut]:
    """As ``build_bank``, of several views of each part: views (N,) and owners (N,) int64 from 0 without gaps.

    What another view of the same part shows counts for a vector's reach: one that is alike either way round has a short
    one. A part is left out with all its views, by choosing the bank again without it, once for each of few parts.
    """
    bank, _ = build_bank(patches, views, settings, max_vectors=max_vectors)
    ratios, nearests = torch.zeros(len(patches), device=patches.device), torch.empty_like(patches)
    for owner in range(int(owners.max()) + 1):
        own, others = owners == owner, owners != owner
        seen_in = torch.unique(views[others], return_inverse=True)[1]
        without, _ = build_bank(patches[others], seen_in, settings, max_vectors=max_vectors)
        ratios[own], index = without.compare(patches[own])
        nearests[own] = without.vectors[index]
    return bank, LeftOut(ratios=ratios, nearest=nearests)


def _sums(indices: Tensor, distances: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """(sum of distances (M,), number (M,)) of the patches whose nearest vector is each."""
    total = torch.zeros(count, device=distances.device).index_add_(0, indices, distances)
    return total, torch.bincount(indices, minlength=count).to(torch.float32)


def _reach(total: Tensor, number: Tensor, typical: Tensor) -> Tensor:
    reach = (total.clamp_min(0) + _PRIOR_PATCHES * typical) / (number + _PRIOR_PATCHES)
    return reach.clamp_min(_LEAST_TYPICAL)
