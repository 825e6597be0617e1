"""SAM-LLaVA's coarse stage: tokens against words, raised or damped by the line's memory (SYSTEMS A.4.1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.backbones.planes import Planes
from models.backbones.tokens import TokenBackbone, TokenFeatures, unit
from models.ground.contrast import contrast_heat
from models.ground.image_score import image_score
from models.ground.self_reference import SelfReferenceSettings, self_distance_map
from models.ground.sigmoid_gain import GainForm, SigmoidGain, context_of
from models.memory.calibration import calibrated
from models.memory.patch_memory import Map, PatchFeatures
from models.memory.token_bank import TokenBank, build_token_bank, cosine_distances
from models.recipes.built_memory import BuiltMemory
from models.recipes.look import Look
from models.recipes.samllava_recipe import CoarseSettings, ContextSettings, Wordless
from models.recipes.words import Words
from models.text.prompt_bank import TextPair
from wire.line_state import LineSpec

# Where words are undecided, and where a place stands out of its own picture as the recipe's map_sigma says.
_UNDECIDED: Final = 0.5


@dataclass(frozen=True, kw_only=True, eq=False)
class _Known:
    """What a line's state says."""

    bank: TokenBank
    gain: SigmoidGain
    pair: TextPair | None


class ContrastDetector:
    """See ``FrameDetector``. Without ``words`` the backbone's own opinion, or a picture's own rarity, stands in."""

    def __init__(
        self,
        *,
        backbone: TokenBackbone,
        words: Words | None,
        coarse: CoarseSettings,
        context: ContextSettings,
        zero_shot: SelfReferenceSettings,
        batch: int,
        device: torch.device,
    ) -> None:
        self._backbone = backbone
        self._words = words
        self._coarse = coarse
        self._context = context
        self._zero_shot = zero_shot
        self._batch = batch
        self._device = device

    @property
    def patch_px(self) -> int:
        """Of the frame, per token."""
        return self._backbone.profile.frame[0] // self._backbone.grid[0]

    @property
    def least_references(self) -> int:
        """One: its quarters are left out by turns."""
        return 1

    @property
    def zero_shot_level(self) -> float:
        """Where words, or the picture itself, are undecided."""
        return _UNDECIDED

    def can_judge(self, picture: Planes) -> bool:
        """Every image fills its frame."""
        return picture.values.shape[-2:] == self._backbone.profile.frame

    def score(self, anomaly: Map) -> float:
        """The top of the map."""
        return image_score(anomaly, self._coarse.share)

    def maps(
        self,
        pictures: Sequence[Planes],
        memories: Sequence[Mapping[str, NDArray[np.float32]] | None],
        names: Sequence[str],
    ) -> list[Look | None]:
        """H in [0, 1] without a memory, H' = H x gain in [0, 2] with one."""
        with torch.inference_mode():
            features = self._features([picture.values for picture in pictures])
            known = self._known(memories, names)
            gains = self._gains(features, known)
            looks: list[Look | None] = []
            for own, line, gain in zip(features, known, gains, strict=True):
                pair = self._pair(None) if line is None else line.pair
                looks.append(_look(self._heat(own, pair, known=line is not None) * gain, own))
            return looks

    def build(
        self, pictures: Sequence[Planes], name: str, *, spec: LineSpec, sources: Sequence[int] | None = None
    ) -> BuiltMemory:
        """The memory of good pictures; calibrated on each source against the others, a single one on its quarters."""
        owners = list(range(len(pictures))) if sources is None else list(sources)
        with torch.inference_mode():
            features = self._features([picture.values for picture in pictures])
            references = [_tokens(own) for own in features]
            bank = build_token_bank(references, self._context.coreset, owners=owners, max_vectors=spec.max_vectors)
            pair = self._pair(spec)
            contexts = self._left_out(references, owners, bank, features[0].grid)
            gain = SigmoidGain.fit(contexts)
            looks = [
                _look(self._heat(own, pair, known=True) * gain(context, self._context.form), own)
                for own, context in zip(features, contexts, strict=True)
            ]
        tensors = bank.tensors(name) | gain.tensors(name)
        if pair is not None:
            tensors[f"{name}.text"] = pair.stacked().cpu().numpy()
        calibration = calibrated([look.anomaly for look in looks], self.score)
        return BuiltMemory(tensors=tensors, calibration=calibration, left_out=looks)

    def _left_out(
        self, references: Sequence[Mapping[int, Tensor]], owners: Sequence[int], bank: TokenBank, grid: tuple[int, int]
    ) -> list[Tensor]:
        """Context (L,) of every picture against a memory without its own source."""
        if len(set(owners)) > 1:
            return [
                context_of(cosine_distances({layer: t[None] for layer, t in own.items()}, [bank.without(owner)])[0])
                for own, owner in zip(references, owners, strict=True)
            ]
        return [self._quarters_left_out(own, grid) for own in references]

    def _quarters_left_out(self, tokens: Mapping[int, Tensor], grid: tuple[int, int]) -> Tensor:
        """Each quarter of a single reference against its other three."""
        rows, columns = grid
        down = torch.arange(rows, device=self._device) * 2 // rows
        right = torch.arange(columns, device=self._device) * 2 // columns
        quarter = (down[:, None] * 2 + right[None]).flatten()  # (L,)
        context = torch.zeros(len(quarter), device=self._device)
        for each in range(4):
            own = quarter == each
            others = build_token_bank(
                [{layer: t[~own] for layer, t in tokens.items()}], self._context.coreset, max_vectors=len(quarter)
            )
            (distances,) = cosine_distances({layer: t[own][None] for layer, t in tokens.items()}, [others])
            context[own] = context_of(distances)
        return context

    def _gains(self, features: Sequence[TokenFeatures], known: Sequence[_Known | None]) -> list[Tensor]:
        """Gain (L,) of every picture; the searches of all that have a memory are one."""
        gains = [torch.ones(own.grid[0] * own.grid[1], device=self._device) for own in features]
        lines = [(index, line) for index, line in enumerate(known) if line is not None]
        if not lines or self._context.form is GainForm.NONE:
            return gains
        tokens = [_tokens(features[index]) for index, _ in lines]
        stacked = {layer: torch.stack([own[layer] for own in tokens]) for layer in tokens[0]}
        for (index, line), distances in zip(
            lines, cosine_distances(stacked, [line.bank for _, line in lines]), strict=True
        ):
            gains[index] = line.gain(context_of(distances), self._context.form)
        return gains

    def _known(
        self, memories: Sequence[Mapping[str, NDArray[np.float32]] | None], names: Sequence[str]
    ) -> list[_Known | None]:
        read: dict[tuple[int, str], _Known] = {}
        known: list[_Known | None] = []
        for tensors, name in zip(memories, names, strict=True):
            if tensors is None:
                known.append(None)
                continue
            # Parts of one line share one state: it goes to the device once.
            key = (id(tensors), name)
            if key not in read:
                read[key] = _Known(
                    bank=TokenBank.from_tensors(tensors, name, self._device),
                    gain=SigmoidGain.from_tensors(tensors, name),
                    pair=self._remembered_pair(tensors, name),
                )
            known.append(read[key])
        return known

    def _features(self, frames: Sequence[NDArray[np.float32]]) -> list[TokenFeatures]:
        found: list[TokenFeatures] = []
        for start in range(0, len(frames), self._batch):
            chunk = np.stack(frames[start : start + self._batch])
            features = self._backbone.encode(torch.from_numpy(chunk).to(self._device))
            found.extend(features[index] for index in range(len(chunk)))
        return found

    def _heat(self, features: TokenFeatures, pair: TextPair | None, *, known: bool) -> Tensor:
        """(L,) in [0, 1]; ``known``: there is a memory."""
        layer = self._backbone.text_layer
        if pair is not None and layer is not None and self._words is not None:
            tokens = unit({layer: features.layers[layer][0]})[layer]
            return contrast_heat(tokens, pair.normal, pair.abnormal, logit_scale=self._words.scale)
        rows, columns = features.grid
        if known and self._coarse.wordless is Wordless.MEMORY:
            return torch.ones(rows * columns, device=self._device)
        if features.opinion is not None:
            return features.opinion[0]
        last = features.layers[max(features.layers)][0]  # (L, C)
        own = self_distance_map(
            PatchFeatures(values=last.T.reshape(-1, rows, columns).contiguous().cpu()), self._zero_shot
        )
        rarity = torch.from_numpy(own).flatten().to(self._device)
        return rarity / (rarity + self._zero_shot.map_sigma)

    def _pair(self, spec: LineSpec | None) -> TextPair | None:
        return None if self._words is None else self._words.bank.pair(spec)

    def _remembered_pair(self, tensors: Mapping[str, NDArray[np.float32]], name: str) -> TextPair | None:
        if self._words is None:
            return None
        kept = torch.from_numpy(np.array(tensors[f"{name}.text"], np.float32)).to(self._device)
        return TextPair(normal=kept[0], abnormal=kept[1])


def _tokens(features: TokenFeatures) -> dict[int, Tensor]:
    """What a memory compares of one image: (L, C) of length 1, by layer."""
    return unit({layer: tokens[0] for layer, tokens in features.remembered.items()})


def _look(anomaly: Tensor, features: TokenFeatures) -> Look:
    return Look(anomaly=np.ascontiguousarray(anomaly.view(features.grid).cpu().numpy(), np.float32))
