"""A memory of patches on a network that has learned nothing: what trained features have to beat.

The way of PatchCore (Roth et al., 2022) without its coreset: layers 2 and 3 of ResNet-18, averaged over 3 x 3, joined
at the size of layer 2; distance to the nearest remembered patch; the map smoothed by sigma 4 px at 256 px. An
untrained network has no statistics for its normalisation, so each picture is normalised by its own (pixel AUROC on
magnetic tiles with 4 references: .70 against .60 without any).
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models import resnet18

from wire.finding import Finding, ModalityState, ModalityVerdict, Mode, Picture, Verdict
from wire.image_codec import to_u8
from wire.line_state import LineSpec, LineState, StateMetadata, tensors_digest
from wire.part import Part

_SIDE_PX: Final = 256
_SIGMA_PX: Final = 4.0
_SEED: Final = 0
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_BANK: Final = "rgb.bank"
# Rows of the distance matrix at a time; with 4 references of 1024 patches each, 16 MiB.
_CHUNK: Final = 1024


class UntrainedResnetInspector:
    """See ``wire.inspector.Inspector``. Judges against references only: without a state the score is None."""

    def __init__(self, *, device: str = "cpu") -> None:
        self._device = torch.device(device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(_SEED)
            network = resnet18(weights=None, norm_layer=nn.InstanceNorm2d)
        stem = (network.conv1, network.bn1, network.relu, network.maxpool, network.layer1, network.layer2)
        self._to_layer2 = nn.Sequential(*stem).eval().to(self._device)
        self._to_layer3 = network.layer3.eval().to(self._device)

    @property
    def recipe(self) -> str:
        """The baseline's name."""
        return "untrained_resnet18"

    @property
    def digest(self) -> str:
        """sha256 over its weights and numbers."""
        digest = hashlib.sha256(f"untrained_resnet18 {_SIDE_PX} {_SIGMA_PX} {_SEED} instance".encode())
        for module in (self._to_layer2, self._to_layer3):
            for name, values in sorted(module.state_dict().items()):
                digest.update(name.encode())
                digest.update(values.cpu().numpy().tobytes())
        return digest.hexdigest()

    def inspect(self, parts: Sequence[Part], states: Sequence[LineState | None]) -> list[Finding]:
        """One finding per part, from its first image."""
        return [self._finding(part, state) for part, state in zip(parts, states, strict=True)]

    def build_state(self, references: Sequence[Part], spec: LineSpec, *, product: str = "") -> LineState:
        """Every patch of every reference; ValueError without references."""
        if not references:
            raise ValueError("0 references; a memory needs at least 1")
        patches = torch.cat([self._features(part)[1].flatten(0, 1) for part in references])
        tensors = {_BANK: patches.cpu().numpy()}
        metadata = StateMetadata(
            line=spec.line,
            product=product,
            version=0,
            recipe=self.recipe,
            model_digest=self.digest,
            spec=spec,
            calibrations={},
            references=tuple(part.inspection_id for part in references),
            digest=tensors_digest(tensors),
            created_at=datetime.now(UTC),
        )
        return LineState(metadata=metadata, tensors=tensors)

    def _features(self, part: Part) -> tuple[str, Tensor]:
        """(name of the image, patches (h, w, C))."""
        name, image = min(part.images.items())
        small = cv2.resize(to_u8(image), (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA)
        pixels = torch.from_numpy(np.ascontiguousarray(small)).to(self._device, torch.float32) / 255  # (H, W, 3)
        normal = (pixels - torch.tensor(_MEAN, device=self._device)) / torch.tensor(_DEVIATION, device=self._device)
        with torch.inference_mode():
            second = self._to_layer2(normal.permute(2, 0, 1)[None])  # (1, C2, h, w)
            third = self._to_layer3(second)  # (1, C3, h / 2, w / 2)
            pooled = [F.avg_pool2d(each, 3, stride=1, padding=1) for each in (second, third)]
            third = F.interpolate(pooled[1], size=second.shape[-2:], mode="bilinear", align_corners=False)
            return name, torch.cat([pooled[0], third], dim=1)[0].permute(1, 2, 0)  # (h, w, C)

    def _finding(self, part: Part, state: LineState | None) -> Finding:
        name, features = self._features(part)
        if state is None:
            verdict = ModalityVerdict(modality=name, state=ModalityState.USED, verdict=Verdict.UNKNOWN)
            return Finding(
                verdict=Verdict.UNKNOWN, score=None, threshold=None, mode=Mode.ZERO_SHOT, modalities=(verdict,),
                regions=(), pictures={},
            )  # fmt: skip
        anomaly = _nearest(features, torch.from_numpy(state.tensors[_BANK]).to(self._device))
        score = float(anomaly.max())
        verdict = ModalityVerdict(
            modality=name, state=ModalityState.USED, verdict=Verdict.UNKNOWN, score=score, mode=Mode.MEMORY
        )
        mask = np.zeros(part.images[name].shape[:2], np.bool_)
        return Finding(
            verdict=Verdict.UNKNOWN,
            score=score,
            threshold=None,
            mode=Mode.MEMORY,
            modalities=(verdict,),
            regions=(),
            pictures={name: Picture(map=anomaly, mask=mask, map_threshold=score)},
        )


def _nearest(features: Tensor, bank: Tensor) -> NDArray[np.float32]:
    """Patches (h, w, C) against a bank (N, C) -> smoothed map (_SIDE_PX, _SIDE_PX) of Euclidean distances."""
    height, width, channels = features.shape
    with torch.inference_mode():
        rows = features.reshape(-1, channels)  # (h w, C)
        nearest = torch.cat([torch.cdist(chunk, bank).amin(dim=1) for chunk in torch.split(rows, _CHUNK)])
    coarse = nearest.reshape(height, width).cpu().numpy()
    full = cv2.resize(coarse, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.GaussianBlur(full, (0, 0), _SIGMA_PX), np.float32)
