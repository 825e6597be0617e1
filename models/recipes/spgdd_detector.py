"""The detector of SPGDD-GPT: tokens against words, and against the reference that a part resembles most."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.backbones.planes import Planes
from models.backbones.tokens import TokenFeatures
from models.ground.image_score import image_score
from models.ground.map_fusion import Fusion, fused_map, layer_mean
from models.ground.text_delta import delta_map, text_delta, text_probability
from models.memory.calibration import calibrate
from models.memory.patch_memory import Map
from models.memory.self_prompt import Closest, Match, closest_references, whole_references
from models.memory.token_bank import TokenBank
from models.recipes.built_memory import BuiltMemory
from models.recipes.look import Look
from models.recipes.spgdd_recipe import ScoreForm, ScoreSettings, SelfPromptSettings, TddfSettings, Temperature
from models.recipes.token_reader import UNDECIDED, Tensors, TokenReader, kept_pair, on_host, values_on_host
from models.recipes.wordless import Wordless
from models.text.prompt_bank import TextPair
from wire.line_state import LineSpec


class SpgddDetector:
    """See ``FrameDetector``. Without words (a backbone that cannot read) ``tddf.wordless`` says what decides."""

    def __init__(
        self, reader: TokenReader, *, tddf: TddfSettings, memory: SelfPromptSettings, score: ScoreSettings
    ) -> None:
        self._reader = reader
        self._tddf = tddf
        self._memory = memory
        self._score = score

    @property
    def patch_px(self) -> int:
        """Of the frame, per token."""
        return self._reader.patch_px

    @property
    def least_references(self) -> int:
        """One: it is compared with itself, moved by half a patch."""
        return 1

    @property
    def zero_shot_level(self) -> float:
        """Where words, or the picture itself, are undecided."""
        return UNDECIDED

    def can_judge(self, picture: Planes) -> bool:
        """Every image fills its frame."""
        return self._reader.fills_a_frame(picture)

    def score(self, anomaly: Map) -> float:
        """The top of the map."""
        return image_score(anomaly, self._score.share)

    def maps(
        self, pictures: Sequence[Planes], memories: Sequence[Tensors | None], names: Sequence[str]
    ) -> list[Look | None]:
        """In [0, 1], against words and memory; without both, what the backbone thinks of the picture by itself."""
        with torch.inference_mode():
            features = self._reader.features([picture.values for picture in pictures])
            banks = self._reader.banks(memories, names)
            pair = self._reader.pairs(pictures, memories, names)
            matches = [self._remembered_match(*each) for each in zip(memories, names, strict=True)]
            return [*self._looks(features, banks, pair, matches)]

    def build(
        self, pictures: Sequence[Planes], name: str, *, spec: LineSpec, sources: Sequence[int] | None = None
    ) -> BuiltMemory:
        """The memory of good pictures; calibrated on each source against the others."""
        owners = list(range(len(pictures))) if sources is None else list(sources)
        with torch.inference_mode():
            turns = self._memory.rotations
            turned = [np.rot90(each.values, turn, (1, 2)) for each in pictures for turn in range(turns)]
            features = self._reader.features(turned)
            tokens = [each.memorable() for each in features]
            references = [tokens[start : start + turns] for start in range(0, len(tokens), turns)]
            bank = whole_references(references, self._memory.coreset, max_vectors=spec.max_vectors, owners=owners)
            pair = self._reader.pair(spec, pictures[0].learned_words)
            match = Match(spec.matching) if spec.matching else self._memory.match
            looks = self._left_out(features[::turns], owners, bank, pair, match)
            if len(looks) < 2:
                # A single reference has no other to be compared with: itself, moved by half a patch, is the next part.
                moved = _moved(pictures[owners.index(bank.owner())].values, max(1, self.patch_px // 2))
                looks += self._looks(self._reader.features(moved), [bank] * len(moved), pair, [match] * len(moved))
        tensors = bank.tensors(name) | kept_pair(pair, name)
        tensors[_match_name(name)] = np.array([match is Match.NEAREST], np.float32)
        maps = [look.anomaly for look in looks]
        scores = [self.score(look.anomaly) if look.score is None else look.score for look in looks]
        calibration = calibrate(scores, maps).model_copy(update={"references": len(set(owners))})
        return BuiltMemory(tensors=tensors, calibration=calibration, left_out=looks, names_references=True)

    def _left_out(
        self,
        references: Sequence[TokenFeatures],
        owners: Sequence[int],
        bank: TokenBank,
        pair: TextPair | None,
        match: Match,
    ) -> list[Look]:
        """Every reference against the memory without its source; none where that is the whole memory."""
        banks = [bank.without(owner) if bank.keeps(owner) else bank for owner in owners]
        others = [(own, left) for own, left in zip(references, banks, strict=True) if left.references]
        return self._looks([own for own, _ in others], [left for _, left in others], pair, [match] * len(others))

    def _remembered_match(self, tensors: Tensors | None, name: str) -> Match:
        """How the line's parts lie; a state that does not say so was made for the recipe's own way."""
        kept = None if tensors is None else tensors.get(_match_name(name))
        if kept is None:
            return self._memory.match
        return Match.NEAREST if kept[0] else Match.ALIGNED

    def _looks(
        self,
        features: Sequence[TokenFeatures],
        banks: Sequence[TokenBank | None],
        pair: TextPair | None,
        matches: Sequence[Match],
    ) -> list[Look]:
        """``pair``: one for all pictures, or (B, D) one for each. The device is waited for at the end."""
        if not features:
            return []
        words = self._words(features, banks, pair)
        closest = self._closest(features, banks, words, matches)
        seen = [self._anomaly(*each) for each in zip(closest, words, strict=True)]
        maps = on_host([anomaly for anomaly, _ in seen], self._reader.backbone.grid)
        references = values_on_host([reference for _, reference in seen])
        looks = []
        for anomaly, share, reference in zip(maps, self._shares(features, pair), references, strict=True):
            score = share
            if share is not None and self._score.image is ScoreForm.FUSED:
                score = (share + self.score(anomaly)) / 2
            looks.append(Look(anomaly=anomaly, score=score, reference=None if reference is None else int(reference)))
        return looks

    def _words(
        self, features: Sequence[TokenFeatures], banks: Sequence[TokenBank | None], pair: TextPair | None
    ) -> Sequence[Tensor | None]:
        """(L,) in [0, 1] by words, or by what stands in for them; None: the memory decides alone."""
        if pair is not None:
            tokens = self._reader.text_tokens(features)
            delta = text_delta(tokens, pair.normal, pair.abnormal, norm=self._tddf.norm, metric=self._tddf.metric)
            return delta_map(delta, self._tddf.temperature).unbind()
        alone = self._tddf.wordless is Wordless.MEMORY
        return [
            None if alone and bank is not None else self._reader.own_view(own)
            for own, bank in zip(features, banks, strict=True)
        ]

    def _closest(
        self,
        features: Sequence[TokenFeatures],
        banks: Sequence[TokenBank | None],
        words: Sequence[Tensor | None],
        matches: Sequence[Match],
    ) -> list[Closest | None]:
        """The closest reference of every picture whose memory has a say; their searches are one."""
        found: list[Closest | None] = [None] * len(features)
        asked = {
            index: bank
            for index, bank in enumerate(banks)
            if bank is not None and (words[index] is None or self._memory.fusion is not Fusion.TEXT)
        }
        closest = closest_references(
            [features[index].memorable() for index in asked],
            list(asked.values()),
            matches=[matches[index] for index in asked],
            turns=self._memory.rotations,
        )
        for index, own in zip(asked, closest, strict=True):
            found[index] = own
        return found

    def _anomaly(self, closest: Closest | None, words: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """(map (L,), the closest reference ()); one of ``closest`` and ``words`` is there."""
        if closest is None:
            if words is None:
                raise RuntimeError("a picture without a memory was given no words")
            return words, None
        anomaly = layer_mean(closest.maps)
        if words is not None:
            anomaly = fused_map(anomaly, words, self._memory.fusion)
        return anomaly, closest.reference

    def _shares(self, features: Sequence[TokenFeatures], pair: TextPair | None) -> Sequence[float | None]:
        """Of abnormal words in each image token; None where it has no say."""
        tokens = [own.cls for own in features if own.cls is not None]
        if pair is None or len(tokens) < len(features) or self._score.image is ScoreForm.MAP:
            return [None] * len(features)
        normal, abnormal = pair.normal[..., None, :], pair.abnormal[..., None, :]
        shares: list[float] = text_probability(
            torch.cat(tokens), normal, abnormal, temperature=self._temperature()
        ).tolist()
        return shares

    def _temperature(self) -> float:
        scale = 1.0 if self._reader.words is None else self._reader.words.scale
        return scale if self._score.temperature is Temperature.EXP else float(np.log(scale))


def _match_name(name: str) -> str:
    return f"{name}.matched_anywhere"


def _moved(frame: NDArray[np.float32], by: int) -> list[NDArray[np.float32]]:
    """A frame (3, h, w) moved by so many px up, down, left and right; what comes in repeats the edge."""
    padded = np.pad(frame, ((0, 0), (by, by), (by, by)), mode="edge")
    height, width = frame.shape[1:]
    corners = ((0, by), (2 * by, by), (by, 0), (by, 2 * by))
    return [padded[:, top : top + height, left : left + width] for top, left in corners]
