"""The bank of tokens of good parts, layer by layer: what every token recipe remembers of a line.

Recipes differ in how they read it: place by place against whole references, or nearest neighbour. Its life is that of
the line state: built from normals, bounded, versioned, dropped with its line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from models.memory.coreset import CoresetSettings, select_coreset
from models.memory.many_banks import cosine_distance_in_each
from wire.errors import ShapeError

_BANK, _OWNER = "bank", "owner"
# The layer under which a bank keeps each reference's picture as a whole: to tell which one a part resembles.
WHOLE = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class TokenBank:
    """By layer: vectors (M, C) of length 1, owners (M,) int64: the number of the reference each came from."""

    vectors: Mapping[int, Tensor]
    owners: Mapping[int, Tensor]

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[np.float32]], modality: str, device: torch.device) -> Self:
        """Read what ``tensors`` wrote for ``modality``; KeyError if there is nothing of it."""
        prefix, suffix = f"{modality}.layer", f"_{_BANK}"
        layers = sorted(
            int(name[len(prefix) : -len(suffix)])
            for name in tensors
            if name.startswith(prefix) and name.endswith(suffix)
        )
        if not layers:
            raise KeyError(f"{prefix}N{suffix}")

        def read(layer: int, name: str) -> Tensor:
            return torch.from_numpy(np.array(tensors[f"{prefix}{layer}_{name}"], np.float32)).to(device)

        return cls(
            vectors={layer: read(layer, _BANK) for layer in layers},
            owners={layer: read(layer, _OWNER).long() for layer in layers},
        )

    def tensors(self, modality: str) -> dict[str, NDArray[np.float32]]:
        """By the names under which a line state keeps them. Owners are exact as floats up to 2^24."""
        named = {f"{modality}.layer{layer}_{_BANK}": vectors for layer, vectors in self.vectors.items()}
        named |= {f"{modality}.layer{layer}_{_OWNER}": owners.float() for layer, owners in self.owners.items()}
        return {name: tensor.cpu().numpy() for name, tensor in named.items()}

    @property
    def size_bytes(self) -> int:
        """Memory of all its tensors."""
        return sum(each.nbytes for named in (self.vectors, self.owners) for each in named.values())

    @property
    def references(self) -> int:
        """How many references have tokens here."""
        return len(torch.unique(torch.cat(list(self.owners.values()))))

    def owner(self) -> int:
        """The number of the first reference that has tokens here."""
        return int(next(iter(self.owners.values()))[0])

    def keeps(self, reference: int) -> bool:
        """Whether ``reference`` has tokens here."""
        return any(bool((owners == reference).any()) for owners in self.owners.values())

    def without(self, reference: int) -> "TokenBank":
        """The bank as if ``reference`` had not been there."""
        kept = {layer: owners != reference for layer, owners in self.owners.items()}
        return TokenBank(
            vectors={layer: vectors[kept[layer]] for layer, vectors in self.vectors.items()},
            owners={layer: owners[kept[layer]] for layer, owners in self.owners.items()},
        )


def build_token_bank(
    references: Sequence[Mapping[int, Tensor]],
    settings: CoresetSettings,
    *,
    max_vectors: int,
    owners: Sequence[int] | None = None,
) -> TokenBank:
    """From tokens by layer (L, C), of length 1, of every reference; at most ``max_vectors`` per layer.

    ``owners``: the number of the reference that each entry shows a part of; None = each is a reference of its own.

    A function of references, settings and bound: the same give the same bits. A coreset keeps what is unlike the rest;
    each reference keeps at least one token as far as the bound allows.
    """
    vectors: dict[int, Tensor] = {}
    kept: dict[int, Tensor] = {}
    numbers = range(len(references)) if owners is None else owners
    for layer in references[0]:
        tokens = torch.cat([reference[layer] for reference in references])
        owner = torch.cat([torch.full((len(own[layer]),), i) for i, own in zip(numbers, references, strict=True)])
        # On the CPU: thousands of tiny steps, and the same choice whatever the device.
        keep = select_coreset(tokens.cpu(), owner, max_vectors, settings).to(tokens.device)
        vectors[layer], kept[layer] = tokens[keep].contiguous(), owner.to(tokens.device)[keep]
    return TokenBank(vectors=vectors, owners=kept)


def whole_picture(tokens: Mapping[int, Tensor]) -> Tensor:
    """Tokens (L, C) by layer -> (1, sum of C) of length 1: their means side by side."""
    return F.normalize(torch.cat([each.mean(dim=0) for each in tokens.values()])[None], dim=1)


def most_alike(tokens: Mapping[int, Tensor], bank: TokenBank) -> Tensor | None:
    """() int64: the reference whose picture as a whole lies nearest; None if the bank keeps no whole pictures."""
    if WHOLE not in bank.vectors:
        return None
    nearest = (whole_picture(tokens) @ bank.vectors[WHOLE].T).argmax(dim=1)  # (1,)
    return bank.owners[WHOLE].index_select(0, nearest)[0]


def cosine_distances(tokens: Mapping[int, Tensor], banks: Sequence[TokenBank]) -> list[Tensor]:
    """Per picture (L, layers): of each token the least cosine distance, in [0, 2], to the bank of its line.

    tokens by layer (B, L, C) of length 1; ``banks[i]`` belongs to picture i. All pictures share their searches.
    """
    found: list[list[Tensor]] = [[] for _ in banks]
    for layer, batch in tokens.items():
        if len(batch) != len(banks):
            raise ShapeError(f"{len(batch)} pictures but {len(banks)} banks")
        answers = cosine_distance_in_each(list(batch), [bank.vectors[layer] for bank in banks])
        for own, distances in zip(found, answers, strict=True):
            own.append(distances)
    return [torch.stack(own, dim=1) for own in found]
