"""The shipped network as a token backbone: two layers on the grid of its fine features, and no text."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from models.backbones.profile import Fit, Profile
from models.backbones.student import FINE_STRIDE_PX, MULTIPLE_PX, Student
from models.backbones.tokens import TokenFeatures
from models.ground.decoder import Decoder, gather
from wire.errors import ConfigurationError

FINE, COARSE = 1, 2


class StudentTokens:
    """See ``TokenBackbone``. Layer 1: small structure, layer 2: what surrounds it; CLS is layer 2's mean.

    ``decoder``: the one that ships with the network, whose opinion without a memory goes with the tokens.
    """

    def __init__(self, student: Student, *, frame_px: int, decoder: Decoder | None = None) -> None:
        if frame_px % MULTIPLE_PX:
            raise ConfigurationError([f"backbone.frame_px: {frame_px}, expected a multiple of {MULTIPLE_PX}"])
        self._student = student
        self._decoder = decoder
        # The network itself takes pixels in [0, 1].
        self.profile = Profile(frame=(frame_px, frame_px), fit=Fit.SQUASH, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
        self.grid = (frame_px // FINE_STRIDE_PX, frame_px // FINE_STRIDE_PX)

    @property
    def dims(self) -> Mapping[int, int]:
        """By layer."""
        settings = self._student.settings
        return {FINE: settings.fine_dims, COARSE: settings.coarse_dims}

    @property
    def text_layer(self) -> int | None:
        """It knows no words."""
        return None

    def encode(self, frames: Tensor) -> TokenFeatures:
        """See ``TokenBackbone``."""
        features = self._student(frames.contiguous(memory_format=torch.channels_last))
        coarse = F.interpolate(features.coarse, size=self.grid, mode="bilinear", align_corners=False)
        layers = {
            layer: each.flatten(2).transpose(1, 2).contiguous()
            for layer, each in ((FINE, features.fine), (COARSE, coarse))
        }
        opinion = None
        if self._decoder is not None:
            logits = self._decoder(gather(features, [None] * len(frames)))  # (B, H/4, W/4)
            opinion = F.adaptive_avg_pool2d(logits.sigmoid(), self.grid).flatten(1)
        return TokenFeatures(
            layers=layers, remembered=layers, cls=features.coarse.mean(dim=(2, 3)), grid=self.grid, opinion=opinion
        )
