"""The memory of whole references, and the one that a part resembles most: its "self-prompt" (SYSTEMS A.2.4, Eq. 9, 10).

A policy of the token bank: every reference keeps all its tokens, in the order of the grid and turn by turn, so that
places can be compared with places. Candidates of a reference are its turns by 90 degrees; of each reference the best
turn counts, then the best reference, both by the sum over layers and places of the distance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor

from models.memory.coreset import CoresetSettings, select_coreset
from models.memory.many_banks import cosine_distance_in_each
from models.memory.token_bank import TokenBank
from wire.errors import ShapeError

# Differences of one picture at once: 4 million are 16 MB, whatever the number of references.
_BLOCK = 1 << 22


class Match(StrEnum):
    """What a token is compared with, in a reference."""

    ALIGNED = "aligned"  # the token at the same place: for parts in a fixture
    NEAREST = "nearest"  # the nearest token anywhere: for textures and loose parts


@dataclass(frozen=True, kw_only=True, eq=False)
class Closest:
    """maps (S, L): distances in [0, 2] by layer, ascending; ``reference`` () its owner in the bank, ``turn`` () 0 to 3.

    All on the device: who asks for many pictures waits once.
    """

    maps: Tensor
    reference: Tensor
    turn: Tensor


def whole_references(
    references: Sequence[Sequence[Mapping[int, Tensor]]],
    settings: CoresetSettings,
    *,
    max_vectors: int,
    owners: Sequence[int] | None = None,
) -> TokenBank:
    """A bank from the tokens (L, C) of length 1, by layer, of every turn of every reference.

    At most ``max_vectors`` per layer: which references are kept is a coreset of their mean tokens, so that each one
    left out resembles one kept. Owners are the indices of ``references``, or
    ``owners`` where several of them show one part. ValueError if not even one would fit.
    """
    turns, tokens = len(references[0]), len(next(iter(references[0][0].values())))
    most = max_vectors // (turns * tokens)
    if not most:
        raise ValueError(
            f"a memory of {max_vectors} vectors holds no whole reference of {turns} turns of {tokens} tokens; "
            "fewer turns or tokens, or a larger memory"
        )
    means = torch.stack([torch.cat([each.mean(dim=0) for each in own[0].values()]) for own in references])
    one_source = torch.zeros(len(references), dtype=torch.int64)
    kept = select_coreset(means.cpu(), one_source, most, settings).tolist()
    layers = references[0][0].keys()
    vectors = {
        layer: torch.cat([turn[layer] for index in kept for turn in references[index]]).contiguous() for layer in layers
    }
    numbers = kept if owners is None else [owners[index] for index in kept]
    owned = torch.tensor(numbers, device=means.device).repeat_interleave(turns * tokens)
    return TokenBank(vectors=vectors, owners=dict.fromkeys(layers, owned))


def closest_references(
    parts: Sequence[Mapping[int, Tensor]], banks: Sequence[TokenBank], *, matches: Sequence[Match], turns: int
) -> list[Closest]:
    """Of each part the reference that its tokens (L, C) of length 1, by layer, resemble most, and how far it is.

    ``banks[i]`` is read for part i as ``matches[i]`` says; all that look for the nearest token share their searches.
    ShapeError if a bank's references have other layers or another grid.
    """
    for part, bank in zip(parts, banks, strict=True):
        _check_whole(part, bank, turns)
    found: list[list[Tensor]] = [[] for _ in parts]  # by layer (L, N * R)
    nearest = [index for index, match in enumerate(matches) if match is Match.NEAREST]
    for layer in sorted(parts[0]) if parts else []:
        vectors = [bank.vectors[layer] for bank in banks]
        searched = _nearest([parts[index][layer] for index in nearest], [vectors[index] for index in nearest])
        known = dict(zip(nearest, searched, strict=True))
        for index, part in enumerate(parts):
            found[index].append(known[index] if index in known else _aligned(part[layer], vectors[index]))
    return [_closest(torch.stack(own), bank, turns) for own, bank in zip(found, banks, strict=True)]


def _check_whole(part: Mapping[int, Tensor], bank: TokenBank, turns: int) -> None:
    if set(part) != set(bank.vectors):
        raise ShapeError(f"the part has layers {sorted(part)}, the memory {sorted(bank.vectors)}")
    layer = min(part)
    tokens, vectors = len(part[layer]), len(bank.vectors[layer])
    if not vectors or vectors % (tokens * turns):
        raise ShapeError(f"{vectors} vectors are no whole references of {turns} turns of {tokens} tokens")


def _closest(distances: Tensor, bank: TokenBank, turns: int) -> Closest:
    """From the distances (S, L, N * R) of every candidate."""
    totals = distances.sum(dim=(0, 1)).view(-1, turns)  # (N, R)
    candidate = totals.amin(dim=1).argmin(keepdim=True) * turns  # (1,): its first turn
    turn = totals.argmin(dim=1).gather(0, candidate // turns)
    candidate = candidate + turn
    owners = next(iter(bank.owners.values()))
    return Closest(
        maps=distances.index_select(2, candidate)[..., 0],
        reference=owners.index_select(0, candidate * distances.shape[1])[0],
        turn=turn[0],
    )


def _aligned(part: Tensor, vectors: Tensor) -> Tensor:
    """(L, C) against (N * R * L, C) -> (L, N * R)."""
    tokens, channels = part.shape
    stored = vectors.view(-1, tokens, channels)
    # Differences, not products: of equal tokens the distance is 0 and not the root of rounding.
    per_block = max(1, _BLOCK // (tokens * channels))
    return torch.cat([(each - part).square().sum(dim=2).sqrt() for each in torch.split(stored, per_block)]).T


def _nearest(parts: Sequence[Tensor], banks: Sequence[Tensor]) -> list[Tensor]:
    """Per part (L, C) against its own (N * R * L, C) -> (L, N * R)."""
    if not parts:
        return []
    cosine = cosine_distance_in_each(parts, banks, group=len(parts[0]))
    return [(2 * each).sqrt_() for each in cosine]  # |a - b|^2 = 2 (1 - cos) of vectors of length 1
