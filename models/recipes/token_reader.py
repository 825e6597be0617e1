"""What every token detector begins with: pictures as tokens, and what a line's state says, on the backbone's device."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.backbones.planes import Planes
from models.backbones.tokens import TokenBackbone, TokenFeatures, unit
from models.backbones.vv_attention import VvMode
from models.ground.self_reference import SelfReferenceSettings, self_distance_map
from models.memory.patch_memory import Map, PatchFeatures
from models.memory.resident_banks import ResidentBanks
from models.memory.token_bank import TokenBank
from models.recipes.words import Words
from models.text.prompt_bank import TextPair
from wire.errors import ConfigurationError
from wire.finding import Reading
from wire.line_state import LineSpec

Tensors = Mapping[str, NDArray[np.float32]]

# Where words are undecided, and where a place stands out of its own picture as the recipe's map_sigma says.
UNDECIDED = 0.5


class TokenReader:
    """Owns backbone, device and batch. ``words`` None: the backbone cannot read; ``vv_mode``: as it sees."""

    def __init__(
        self,
        *,
        backbone: TokenBackbone,
        vv_mode: VvMode,
        words: Words | None,
        zero_shot: SelfReferenceSettings,
        banks: ResidentBanks[TokenBank],
        batch: int,
        device: torch.device,
    ) -> None:
        self.backbone = backbone
        self.words = words
        self.device = device
        self._vv_mode = vv_mode
        self._zero_shot = zero_shot
        self._banks = banks
        self._batch = batch

    @property
    def patch_px(self) -> int:
        """Of the frame, per token."""
        return self.backbone.profile.frame[0] // self.backbone.grid[0]

    def fills_a_frame(self, picture: Planes) -> bool:
        """Whether ``picture`` has the size that the backbone sees."""
        return picture.values.shape[-2:] == self.backbone.profile.frame

    def features(self, frames: Sequence[NDArray[np.float32]]) -> list[TokenFeatures]:
        """Of every frame (3, h, w), in batches; what a memory compares has length 1."""
        found: list[TokenFeatures] = []
        for start in range(0, len(frames), self._batch):
            chunk = np.stack(frames[start : start + self._batch])
            seen = self.backbone.encode(torch.from_numpy(chunk).to(self.device))
            seen = TokenFeatures(
                layers=seen.layers, remembered=unit(seen.remembered), cls=seen.cls, grid=seen.grid, opinion=seen.opinion
            )
            found.extend(seen[index] for index in range(len(chunk)))
        return found

    def text_tokens(self, features: Sequence[TokenFeatures]) -> Tensor:
        """(B, L, C) of the layer that shares its space with the words."""
        layer = self.backbone.text_layer
        if layer is None:
            raise RuntimeError("a backbone without a text layer was given words")
        return torch.cat([own.layers[layer] for own in features])

    def own_view(self, features: TokenFeatures) -> Tensor:
        """(L,) in [0, 1] without words and memory: the backbone's opinion, else how rare a place is in its picture."""
        if features.opinion is not None:
            return features.opinion[0]
        rows, columns = features.grid
        last = features.layers[max(features.layers)][0]  # (L, C)
        patches = PatchFeatures(values=last.T.reshape(-1, rows, columns).contiguous().cpu())
        rarity = torch.from_numpy(self_distance_map(patches, self._zero_shot)).flatten().to(self.device)
        return rarity / (rarity + self._zero_shot.map_sigma)

    def banks(self, memories: Sequence[Tensors | None], names: Sequence[str]) -> list[TokenBank | None]:
        """What each picture's line remembers; parts of one line share one."""
        return self._banks.of(memories, names)

    def pair(self, spec: LineSpec | None, learned_words: bytes) -> TextPair | None:
        """Words for a line; None where the backbone cannot read."""
        return None if self.words is None else self.words.bank.pair(spec, learned_words)

    def reading(self, spec: LineSpec | None, learned_words: bytes) -> Reading:
        """How pictures are seen, and by which words of their line they are judged."""
        mode = self._vv_mode.value
        return Reading(vv_mode=mode) if self.words is None else self.words.bank.reading(spec, mode, learned_words)

    def check_words(self, learned_words: bytes) -> None:
        """ConfigurationError if the backbone cannot read, or they do not fit its text tower."""
        if self.words is None:
            raise ConfigurationError(["its backbone cannot read, so that there are no words to learn"])
        self.words.bank.known_words(learned_words)

    def pairs(
        self, pictures: Sequence[Planes], memories: Sequence[Tensors | None], names: Sequence[str]
    ) -> TextPair | None:
        """For every picture the words that its state keeps, or its line's where there is no state: (B, D) each."""
        words = self.words
        if words is None or not pictures:
            return None
        each = [
            words.bank.pair(picture.spec, picture.learned_words).stacked()
            if tensors is None
            else torch.from_numpy(tensors[_text_name(name)]).to(self.device)
            for picture, tensors, name in zip(pictures, memories, names, strict=True)
        ]
        stacked = torch.stack(each)  # (B, 2, D)
        return TextPair(normal=stacked[:, 0], abnormal=stacked[:, 1])


def kept_pair(pair: TextPair | None, name: str) -> dict[str, NDArray[np.float32]]:
    """Words as tensors of a line's state."""
    return {} if pair is None else {_text_name(name): pair.stacked().cpu().numpy()}


def on_host(maps: Sequence[Tensor], grid: tuple[int, int]) -> list[Map]:
    """(L,) each -> (rows, columns) each; the device is waited for once."""
    if not maps:
        return []
    stacked = torch.stack(list(maps)).view(len(maps), *grid).cpu().numpy()
    return [np.ascontiguousarray(each, np.float32) for each in stacked]


def values_on_host(scalars: Sequence[Tensor | None]) -> list[float | None]:
    """() each, None where there is none; the device is waited for once."""
    there = [each for each in scalars if each is not None]
    values = iter(torch.stack(there).tolist() if there else ())
    return [None if each is None else next(values) for each in scalars]


def _text_name(name: str) -> str:
    return f"{name}.text"
