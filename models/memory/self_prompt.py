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
from models.memory.token_bank import TokenBank
from wire.errors import ShapeError

# Distances of one picture at once: 4 million are 16 MB, whatever the number of references.
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


def closest_reference(query: Mapping[int, Tensor], bank: TokenBank, *, match: Match, turns: int) -> Closest:
    """The reference that (L, C) tokens of length 1, by layer, resemble most, and how far each place is from it.

    ShapeError if the bank's references have other layers or another grid.
    """
    if set(query) != set(bank.vectors):
        raise ShapeError(f"the part has layers {sorted(query)}, the memory {sorted(bank.vectors)}")
    layers = sorted(query)
    tokens = len(query[layers[0]])
    candidates = len(bank.vectors[layers[0]]) // tokens
    if not candidates or candidates * tokens != len(bank.vectors[layers[0]]) or candidates % turns:
        vectors = len(bank.vectors[layers[0]])
        raise ShapeError(f"{vectors} vectors are no whole references of {turns} turns of {tokens} tokens")
    maps = torch.stack([_distances(query[layer], bank.vectors[layer], match) for layer in layers])  # (S, N * R, L)
    totals = maps.sum(dim=(0, 2)).view(-1, turns)  # (N, R)
    candidate = totals.amin(dim=1).argmin(keepdim=True) * turns  # (1,): its first turn
    turn = totals.argmin(dim=1).gather(0, candidate // turns)
    candidate = candidate + turn
    return Closest(
        maps=maps.index_select(1, candidate)[:, 0],
        reference=bank.owners[layers[0]].index_select(0, candidate * tokens)[0],
        turn=turn[0],
    )


def _distances(query: Tensor, vectors: Tensor, match: Match) -> Tensor:
    """(L, C) against (N * R * L, C) -> (N * R, L), candidate by candidate."""
    tokens, channels = query.shape
    stored = vectors.view(-1, tokens, channels)
    if match is Match.ALIGNED:
        # Differences, not products: of equal tokens the distance is 0 and not the root of rounding.
        per_block = max(1, _BLOCK // (tokens * channels))
        return torch.cat([(each - query).square().sum(dim=2).sqrt() for each in torch.split(stored, per_block)])
    per_block = max(1, _BLOCK // (tokens * tokens))
    cosines = [(each @ query.T).amax(dim=1) for each in torch.split(stored, per_block)]  # (n, L) each
    return (2 - 2 * torch.cat(cosines)).clamp_min_(0).sqrt_()
