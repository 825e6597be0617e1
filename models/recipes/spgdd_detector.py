"""The detector of SPGDD-GPT: tokens against words, and against the reference that a part resembles most."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.backbones.planes import Planes
from models.backbones.tokens import TokenBackbone, TokenFeatures, unit
from models.ground.image_score import image_score
from models.ground.map_fusion import Fusion, fused_map, layer_mean
from models.ground.self_reference import SelfReferenceSettings, self_distance_map
from models.ground.text_delta import delta_map, text_delta, text_probability
from models.memory.calibration import calibrate
from models.memory.patch_memory import Map, PatchFeatures
from models.memory.self_prompt import closest_reference, whole_references
from models.memory.token_bank import TokenBank
from models.recipes.built_memory import BuiltMemory
from models.recipes.look import Look
from models.recipes.spgdd_recipe import ScoreForm, ScoreSettings, SelfPromptSettings, TddfSettings, Temperature
from models.recipes.words import Words
from models.text.prompt_bank import TextPair
from wire.line_state import LineSpec

# Where words and images lie in one space, 0.5 is as near to abnormal words as to normal ones.
_UNDECIDED: Final = 0.5


class SpgddDetector:
    """See ``PictureDetector``. Without ``words`` (a backbone that cannot read) the memory alone decides."""

    def __init__(
        self,
        *,
        backbone: TokenBackbone,
        words: Words | None,
        tddf: TddfSettings,
        memory: SelfPromptSettings,
        score: ScoreSettings,
        zero_shot: SelfReferenceSettings,
        batch: int,
        device: torch.device,
    ) -> None:
        self._backbone = backbone
        self._words = words
        self._tddf = tddf
        self._memory = memory
        self._score = score
        self._zero_shot = zero_shot
        self._batch = batch
        self._device = device

    @property
    def patch_px(self) -> int:
        """Of the frame, per token."""
        return self._backbone.profile.frame[0] // self._backbone.grid[0]

    @property
    def least_references(self) -> int:
        """One: it is compared with itself, moved by half a patch."""
        return 1

    @property
    def zero_shot_level(self) -> float:
        """Where words are undecided; without words, robust sigma of the picture's own tokens."""
        return self._zero_shot.map_sigma if self._words is None else _UNDECIDED

    def can_judge(self, picture: Planes) -> bool:
        """Every image fills its frame."""
        return picture.values.shape[-2:] == self._backbone.profile.frame

    def score(self, anomaly: Map) -> float:
        """The top of the map."""
        return image_score(anomaly, self._score.share)

    def maps(
        self,
        pictures: Sequence[Planes],
        memories: Sequence[Mapping[str, NDArray[np.float32]] | None],
        names: Sequence[str],
    ) -> list[Look | None]:
        """In [0, 1] against words and memory; without both, robust sigma of the picture's own tokens."""
        looks: list[Look | None] = []
        banks: dict[tuple[int, str], TokenBank] = {}
        with torch.inference_mode():
            for index, features in enumerate(self._features([picture.values for picture in pictures])):
                tensors, name = memories[index], names[index]
                if tensors is None:
                    looks.append(self._without_memory(features, self._pair(None)))
                    continue
                # Parts of one line share one state: it goes to the device once.
                key = (id(tensors), name)
                if key not in banks:
                    banks[key] = TokenBank.from_tensors(tensors, name, self._device)
                text = self._remembered_pair(tensors, name)
                looks.append(self._against(features, banks[key], text))
        return looks

    def build(
        self, pictures: Sequence[Planes], name: str, *, spec: LineSpec, sources: Sequence[int] | None = None
    ) -> BuiltMemory:
        """The memory of good pictures; calibrated on each source against the others."""
        owners = list(range(len(pictures))) if sources is None else list(sources)
        with torch.inference_mode():
            turns = self._memory.rotations
            turned = [np.rot90(each.values, turn, (1, 2)) for each in pictures for turn in range(turns)]
            features = self._features(turned)
            references = [
                [_tokens(each) for each in features[start : start + turns]] for start in range(0, len(features), turns)
            ]
            bank = whole_references(references, self._memory.coreset, max_vectors=spec.max_vectors, owners=owners)
            pair = self._pair(spec)
            looks = self._left_out(features[::turns], owners, bank, pair)
            if len(looks) < 2:
                # A single reference has no other to be compared with: itself, moved by half a patch, is the next part.
                moved = _moved(pictures[owners.index(bank.owner())].values, max(1, self.patch_px // 2))
                looks += [self._against(each, bank, pair) for each in self._features(moved)]
        tensors = bank.tensors(name)
        if pair is not None:
            tensors[f"{name}.text"] = pair.stacked().cpu().numpy()
        maps = [look.anomaly for look in looks]
        scores = [self.score(look.anomaly) if look.score is None else look.score for look in looks]
        calibration = calibrate(scores, maps).model_copy(update={"references": len(set(owners))})
        return BuiltMemory(tensors=tensors, calibration=calibration, left_out=looks, names_references=True)

    def _left_out(
        self, references: Sequence[TokenFeatures], owners: Sequence[int], bank: TokenBank, pair: TextPair | None
    ) -> list[Look]:
        """Every reference against the memory without its source; none where that is the whole memory."""
        banks = [bank.without(owner) if bank.keeps(owner) else bank for owner in owners]
        return [self._against(own, left, pair) for own, left in zip(references, banks, strict=True) if left.references]

    def _features(self, frames: Sequence[NDArray[np.float32]]) -> list[TokenFeatures]:
        found: list[TokenFeatures] = []
        for start in range(0, len(frames), self._batch):
            chunk = np.stack(frames[start : start + self._batch])
            features = self._backbone.encode(torch.from_numpy(chunk).to(self._device))
            found.extend(features[index] for index in range(len(chunk)))
        return found

    def _against(self, features: TokenFeatures, bank: TokenBank, pair: TextPair | None) -> Look:
        if self._memory.fusion is Fusion.TEXT and pair is not None:
            return self._without_memory(features, pair)
        closest = closest_reference(_tokens(features), bank, match=self._memory.match, turns=self._memory.rotations)
        anomaly = layer_mean(closest.maps)
        if pair is not None:
            anomaly = fused_map(anomaly, self._word_map(features, pair), self._memory.fusion)
        return self._look(features, anomaly, pair, closest.reference)

    def _without_memory(self, features: TokenFeatures, pair: TextPair | None) -> Look:
        if pair is not None:
            return self._look(features, self._word_map(features, pair), pair, None)
        rows, columns = features.grid
        last = features.layers[max(features.layers)][0]  # (L, C)
        patches = PatchFeatures(values=last.T.reshape(-1, rows, columns).contiguous(), valid=None)
        return Look(anomaly=self_distance_map(patches, self._zero_shot))

    def _word_map(self, features: TokenFeatures, pair: TextPair) -> Tensor:
        layer = self._backbone.text_layer
        if layer is None:
            raise RuntimeError("a backbone without a text layer was given words")
        delta = text_delta(
            features.layers[layer][0], pair.normal, pair.abnormal, norm=self._tddf.norm, metric=self._tddf.metric
        )
        return delta_map(delta, self._tddf.temperature)

    def _look(self, features: TokenFeatures, anomaly: Tensor, pair: TextPair | None, reference: int | None) -> Look:
        full = np.ascontiguousarray(anomaly.view(features.grid).cpu().numpy(), np.float32)
        score: float | None = None
        if pair is not None and features.cls is not None and self._score.image is not ScoreForm.MAP:
            share = float(text_probability(features.cls, pair.normal[None], pair.abnormal[None],
                                           temperature=self._temperature())[0])  # fmt: skip
            score = share if self._score.image is ScoreForm.CLS else (share + self.score(full)) / 2
        return Look(anomaly=full, score=score, reference=reference)

    def _temperature(self) -> float:
        scale = 1.0 if self._words is None else self._words.scale
        return scale if self._score.temperature is Temperature.EXP else float(np.log(scale))

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


def _moved(frame: NDArray[np.float32], by: int) -> list[NDArray[np.float32]]:
    """A frame (3, h, w) moved by so many px up, down, left and right; what comes in repeats the edge."""
    padded = np.pad(frame, ((0, 0), (by, by), (by, by)), mode="edge")
    height, width = frame.shape[1:]
    corners = ((0, by), (2 * by, by), (by, 0), (by, 2 * by))
    return [padded[:, top : top + height, left : left + width] for top, left in corners]
