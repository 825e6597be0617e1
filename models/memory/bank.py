"""The bank: a bounded choice of patches of good parts, each with its reach, wherever on the part they were."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from models.memory.coreset import CoresetSettings, candidates, in_place_of_each, select_coreset
from models.memory.many_banks import nearest_in_each
from models.memory.search import nearest

# How many patches of the average reach each bank vector starts with. Without them a vector that was hardly ever the
# nearest would have a reach of chance; with many, printed edges would have to be as calm as blank surface.
_PRIOR_PATCHES = 4.0
# Whitened units. Identical references (a camera that repeats its frame) lie at distance 0 from each other; a reach of
# 0 would make the faintest noise of the next part infinitely unusual.
_LEAST_TYPICAL = 0.05
# How often a bank is chosen without some of its images: a third of a second each for the largest.
_MOST_CHOICES = 16
# Of how many of them with the next ones left out, too: the gain of one reference is known from their mean.
_MOST_PAIRS = 4


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
    """The first patches against a bank without their own image: ratios (n,), ``nearest`` (n, D) the vectors found."""

    ratios: Tensor
    nearest: Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class _Reaches:
    """What the reach of M bank vectors is made of: sums of distances and numbers of patches (G, M), by their group."""

    sums: Tensor
    numbers: Tensor
    typical: Tensor

    def without(self, *groups: int) -> Tensor:
        """The reach (M,) that the other groups give."""
        others = [group for group in range(len(self.sums)) if group not in groups]
        return _reach(self.sums[others].sum(dim=0), self.numbers[others].sum(dim=0), self.typical)


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


def build_bank(patches: Tensor, sources: Tensor, settings: CoresetSettings, *, max_vectors: int) -> Bank:
    """Of patches (N, D) from images sources (N,) int64 in 0..images-1, of which at least two have patches."""
    return _whole(patches, sources, settings, max_vectors)[0]


def build_bank_and_leave_out(
    patches: Tensor, sources: Tensor, settings: CoresetSettings, *, max_vectors: int
) -> tuple[Bank, LeftOut, LeftOut | None]:
    """(the bank as ``build_bank`` makes it, its patches left out, the first of them left out with the next image, too).

    An image is left out by choosing among the others alone: what was chosen beside it would keep away from it. The
    second (of the first ``_MOST_PAIRS`` images, of three or more) shows what one reference more is worth. Beyond
    ``_MOST_CHOICES`` images neighbours are left out together. Patches come image by image.
    """
    groups = _left_together(_dense(sources))
    bank, reaches = _whole(patches, groups, settings, max_vectors)
    count = len(reaches.sums)
    pairs = min(count, _MOST_PAIRS) if count > 2 else 0
    once, twice = _blank(patches), _blank(patches[groups < pairs])
    pool = candidates(patches.cpu(), groups.cpu(), max_vectors, settings).to(patches.device)
    for group in range(count):
        own, others = groups == group, pool[groups[pool] != group]
        rest, owners = patches[others], groups[others]
        keep = _choice(rest, owners, settings, max_vectors)
        _fill(once, own, patches[own], rest[keep], bank, reaches.without(group))
        if group < pairs:
            beside = (group + 1) % count
            # The choice goes on without the next image; choosing anew would bring as much chance as there is to see.
            (instead,) = in_place_of_each(rest.cpu(), owners.cpu(), keep.cpu(), max_vectors, settings, images=[beside])
            kept = torch.cat([keep[owners[keep] != beside], instead.to(keep.device)])
            _fill(twice, own[groups < pairs], patches[own], rest[kept], bank, reaches.without(group, beside))
    return bank, once, twice if pairs else None


def build_bank_of_views(
    patches: Tensor, views: Tensor, owners: Tensor, settings: CoresetSettings, *, max_vectors: int
) -> tuple[Bank, LeftOut, LeftOut | None]:
    """As ``build_bank_and_leave_out``, of several views of each part: views, owners (N,) int64 from 0 without gaps.

    What another view of the same part shows counts for a vector's reach: one that is alike either way round has a short
    one. A part is left out with all its views, by building the bank without it, once or twice for each of few parts.
    """
    bank = build_bank(patches, views, settings, max_vectors=max_vectors)
    count = int(owners.max()) + 1

    def without(steps: int) -> LeftOut:
        found = _blank(patches)
        for owner in range(count):
            others = ~torch.isin(owners, torch.tensor([(owner + step) % count for step in range(steps)]).to(owners))
            fewer = build_bank(patches[others], _dense(views[others]), settings, max_vectors=max_vectors)
            if count == 2:
                # The views of a single part tell how far it lies from its mirror images, not how far from another part.
                fewer = replace(fewer, reach=bank.reach[nearest(fewer.vectors, bank.vectors)[1]])
            own = owners == owner
            found.ratios[own], index = fewer.compare(patches[own])
            found.nearest[own] = fewer.vectors[index]
        return found

    return bank, without(1), without(2) if count > 2 else None


def left_out_at_once(images: int) -> int:
    """How many of so many images are left out together."""
    return -(-images // _MOST_CHOICES)


def _left_together(sources: Tensor) -> Tensor:
    """(N,) int64: the number of the group that each patch's image is left out with."""
    return sources // left_out_at_once(int(sources.max()) + 1)


def _whole(patches: Tensor, groups: Tensor, settings: CoresetSettings, max_vectors: int) -> tuple[Bank, _Reaches]:
    keep = _choice(patches, groups, settings, max_vectors)
    vectors, owners = patches[keep].contiguous(), groups[keep]
    columns, count = torch.arange(len(keep), device=patches.device), int(groups.max()) + 1
    sums, numbers = [], []
    # Quick, for a reach needs no more: that of the bank and those of all left out are made of the same distances.
    added = in_place_of_each(patches.cpu(), groups.cpu(), keep.cpu(), max_vectors, settings, images=range(count))
    for group, instead in enumerate(added):
        extra = patches[instead.to(patches.device)]
        # What was not in the bank has the reach of the bank vector it lies next to.
        hosts = torch.cat([columns[owners != group], nearest(extra, vectors)[1]])
        distances, index = nearest(patches[groups == group], torch.cat([vectors[owners != group], extra]))
        total, number = _sums(hosts[index], distances, len(vectors))
        sums.append(total)
        numbers.append(number)
    typical = (torch.stack(sums).sum() / len(patches)).clamp_min(_LEAST_TYPICAL)
    reaches = _Reaches(sums=torch.stack(sums), numbers=torch.stack(numbers), typical=typical)
    return Bank(vectors=vectors, reach=reaches.without()), reaches


def _choice(patches: Tensor, sources: Tensor, settings: CoresetSettings, max_vectors: int) -> Tensor:
    """On the CPU: thousands of tiny steps, and the same choice whatever the device."""
    return select_coreset(patches.cpu(), sources.cpu(), max_vectors, settings).to(patches.device)


def _blank(patches: Tensor) -> LeftOut:
    return LeftOut(ratios=torch.zeros(len(patches), device=patches.device), nearest=torch.empty_like(patches))


def _fill(left_out: LeftOut, at: Tensor, own: Tensor, others: Tensor, bank: Bank, reach: Tensor) -> None:
    """Compare patches ``own``, which stand ``at`` (N,) bool, with ``others`` in the place of the whole ``bank``."""
    distances, index = nearest(own, others)
    found, which = torch.unique(index, return_inverse=True)
    left_out.nearest[at] = others[index]
    # What was not in the bank has the reach of the bank vector it lies next to.
    left_out.ratios[at] = distances / reach[nearest(others[found], bank.vectors)[1][which]]


def _dense(numbers: Tensor) -> Tensor:
    """Numbered without gaps, in the same order."""
    dense: Tensor = torch.unique(numbers, return_inverse=True)[1]
    return dense


def _sums(indices: Tensor, distances: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """(sum of distances (M,), number (M,)) of the patches whose nearest vector is each."""
    total = torch.zeros(count, device=distances.device).index_add_(0, indices, distances)
    return total, torch.bincount(indices, minlength=count).to(torch.float32)


def _reach(total: Tensor, number: Tensor, typical: Tensor) -> Tensor:
    reach = (total.clamp_min(0) + _PRIOR_PATCHES * typical) / (number + _PRIOR_PATCHES)
    return reach.clamp_min(_LEAST_TYPICAL)
