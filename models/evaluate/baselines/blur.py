"""The plainest detector: how far a pixel's grey value lies from its surroundings, |x - blur(x)|."""

import hashlib
from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from wire.finding import Finding, ModalityState, ModalityVerdict, Mode, Picture, Verdict
from wire.image_codec import to_u8
from wire.line_state import LineSpec, LineState
from wire.part import Part

# At 256 px the blur spans about a tenth of the picture: wider than most defects, narrower than shading.
_SIDE_PX: Final = 256
_SIGMA_PX: Final = 12.0
# Single noisy pixels would else be the maximum of every picture.
_SMOOTHING_PX: Final = 2.0


class BlurInspector:
    """See ``wire.inspector.Inspector``. References teach it nothing, so it builds no state."""

    @property
    def recipe(self) -> str:
        """The baseline's name."""
        return "blur"

    @property
    def digest(self) -> str:
        """sha256 over its numbers."""
        return hashlib.sha256(f"blur {_SIDE_PX} {_SIGMA_PX} {_SMOOTHING_PX}".encode()).hexdigest()

    def inspect(self, parts: Sequence[Part], states: Sequence[LineState | None]) -> list[Finding]:
        """One finding per part, from its first image; verdicts are UNKNOWN, because there is no threshold."""
        return [self._finding(part) for part in parts]

    def build_state(self, references: Sequence[Part], spec: LineSpec, *, product: str = "") -> LineState:
        """ValueError: there is nothing to remember."""
        raise ValueError("the blur baseline remembers nothing")

    def _finding(self, part: Part) -> Finding:
        name, image = min(part.images.items())
        grey = np.asarray(cv2.cvtColor(to_u8(image), cv2.COLOR_RGB2GRAY), np.float32) / np.float32(255)
        small = cv2.resize(grey, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA)
        difference = np.abs(small - cv2.GaussianBlur(small, (0, 0), _SIGMA_PX))
        anomaly = np.asarray(cv2.GaussianBlur(difference, (0, 0), _SMOOTHING_PX), np.float32)
        score = float(anomaly.max())
        mask = np.zeros(grey.shape, np.bool_)
        verdict = ModalityVerdict(
            modality=name, state=ModalityState.USED, verdict=Verdict.UNKNOWN, score=score, mode=Mode.ZERO_SHOT
        )
        return Finding(
            verdict=Verdict.UNKNOWN,
            score=score,
            threshold=None,
            mode=Mode.ZERO_SHOT,
            modalities=(verdict,),
            regions=(),
            pictures={name: Picture(map=anomaly, mask=mask, map_threshold=score)},
        )
