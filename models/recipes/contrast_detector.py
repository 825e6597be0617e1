"""SAM-LLaVA's coarse stage: tokens against words, raised or damped by the line's memory (SYSTEMS A.4.1)."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from models.backbones.planes import Planes
from models.backbones.tokens import TokenFeatures
from models.ground.contrast import contrast_heat
from models.ground.image_score import image_score
from models.ground.sigmoid_gain import GainForm, SigmoidGain, context_of
from models.memory.calibration import calibrated
from models.memory.patch_memory import Map
from models.memory.token_bank import WHOLE, TokenBank, build_token_bank, cosine_distances, most_alike, whole_picture
from models.recipes.built_memory import BuiltMemory
from models.recipes.look import Look
from models.recipes.samllava_recipe import CoarseSettings, ContextSettings
from models.recipes.token_reader import UNDECIDED, Tensors, TokenReader, kept_pair, on_host, values_on_host
from models.recipes.wordless import Wordless
from models.text.prompt_bank import TextPair
from wire.line_state import LineSpec


class ContrastDetector:
    """See ``FrameDetector``. Without words the backbone's own opinion, or a picture's own rarity, stands in."""

    def __init__(self, reader: TokenReader, *, coarse: CoarseSettings, context: ContextSettings) -> None:
        self._reader = reader
        self._coarse = coarse
        self._context = context

    @property
    def patch_px(self) -> int:
        """Of the frame, per token."""
        return self._reader.patch_px

    @property
    def least_references(self) -> int:
        """One: its quarters are left out by turns."""
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
        return image_score(anomaly, self._coarse.share)

    def maps(
        self, pictures: Sequence[Planes], memories: Sequence[Tensors | None], names: Sequence[str]
    ) -> list[Look | None]:
        """H in [0, 1] without a memory, H' = H x gain in [0, 2] with one."""
        with torch.inference_mode():
            features = self._reader.features([picture.values for picture in pictures])
            banks = self._reader.banks(memories, names)
            pair = self._reader.pairs(pictures, memories, names)
            gains = self._gains(features, banks, memories, names)
            heats = self._heats(features, pair, known=[bank is not None for bank in banks])
            alike = values_on_host(
                [
                    None if bank is None else most_alike(own.memorable(), bank)
                    for own, bank in zip(features, banks, strict=True)
                ]
            )
            maps = on_host([heat * gain for heat, gain in zip(heats, gains, strict=True)], self._reader.backbone.grid)
        return [
            Look(anomaly=anomaly, reference=None if reference is None else int(reference))
            for anomaly, reference in zip(maps, alike, strict=True)
        ]

    def build(
        self, pictures: Sequence[Planes], name: str, *, spec: LineSpec, sources: Sequence[int] | None = None
    ) -> BuiltMemory:
        """The memory of good pictures; calibrated on each source against the others, a single one on its quarters."""
        owners = list(range(len(pictures))) if sources is None else list(sources)
        with torch.inference_mode():
            features = self._reader.features([picture.values for picture in pictures])
            references = [each.memorable() for each in features]
            remembered = [{**own, WHOLE: whole_picture(own)} for own in references]
            bank = build_token_bank(remembered, self._context.coreset, owners=owners, max_vectors=spec.max_vectors)
            pair = self._reader.pair(spec, pictures[0].learned_words)
            contexts = self._left_out(references, owners, bank, features[0].grid)
            gain = SigmoidGain.fit(contexts)
            heats = self._heats(features, pair, known=[True] * len(features))
            raised = [heat * gain(context, self._context.form) for heat, context in zip(heats, contexts, strict=True)]
            looks = [Look(anomaly=anomaly) for anomaly in on_host(raised, features[0].grid)]
        tensors = bank.tensors(name) | gain.tensors(name) | kept_pair(pair, name)
        calibration = calibrated([look.anomaly for look in looks], self.score)
        return BuiltMemory(tensors=tensors, calibration=calibration, left_out=looks, names_references=True)

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
        down = torch.arange(rows, device=self._reader.device) * 2 // rows
        right = torch.arange(columns, device=self._reader.device) * 2 // columns
        quarter = (down[:, None] * 2 + right[None]).flatten()  # (L,)
        context = torch.zeros(len(quarter), device=self._reader.device)
        for each in range(4):
            own = quarter == each
            others = build_token_bank(
                [{layer: t[~own] for layer, t in tokens.items()}], self._context.coreset, max_vectors=len(quarter)
            )
            (distances,) = cosine_distances({layer: t[own][None] for layer, t in tokens.items()}, [others])
            context[own] = context_of(distances)
        return context

    def _gains(
        self,
        features: Sequence[TokenFeatures],
        banks: Sequence[TokenBank | None],
        memories: Sequence[Tensors | None],
        names: Sequence[str],
    ) -> list[Tensor]:
        """Gain (L,) of every picture; the searches of all that have a memory are one."""
        gains = [torch.ones(own.grid[0] * own.grid[1], device=self._reader.device) for own in features]
        known = [(index, bank) for index, bank in enumerate(banks) if bank is not None]
        if not known or self._context.form is GainForm.NONE:
            return gains
        tokens = [features[index].memorable() for index, _ in known]
        stacked = {layer: torch.stack([own[layer] for own in tokens]) for layer in tokens[0]}
        found = cosine_distances(stacked, [bank for _, bank in known])
        for (index, _), distances in zip(known, found, strict=True):
            gain = SigmoidGain.from_tensors(memories[index] or {}, names[index])
            gains[index] = gain(context_of(distances), self._context.form)
        return gains

    def _heats(
        self, features: Sequence[TokenFeatures], pair: TextPair | None, *, known: Sequence[bool]
    ) -> Sequence[Tensor]:
        """(L,) in [0, 1] of every picture; ``known``: there is a memory."""
        words = self._reader.words
        if pair is not None and words is not None:
            tokens = F.normalize(self._reader.text_tokens(features), dim=-1)
            return contrast_heat(tokens, pair.normal, pair.abnormal, logit_scale=words.scale).unbind()
        return [
            torch.ones(own.grid[0] * own.grid[1], device=self._reader.device)
            if remembered and self._coarse.wordless is Wordless.MEMORY
            else self._reader.own_view(own)
            for own, remembered in zip(features, known, strict=True)
        ]
