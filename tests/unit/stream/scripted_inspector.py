"""An Inspector whose answer can be worked by hand: the score is the mean grey, above 200 is a defect."""

from collections.abc import Sequence
from threading import get_ident

import numpy as np

from tests.unit.stream.sabotage import Sabotage
from wire.errors import BadInput
from wire.facts import Facts
from wire.finding import Finding, ModalityState, ModalityVerdict, Mode, Picture, Region, Verdict
from wire.line_state import LineSpec, LineState
from wire.part import Part

THRESHOLD = 200.0
FACTS = Facts(
    scale="small",
    polarity="bright",
    saliency="high",
    number="one",
    position=(),
    shape="patch-like",
    direction="none",
    distribution="isolated",
    area_ratio=1.0,
    contrast=0.0,
)


class ScriptedInspector:
    """Point: ``inspect``. An image of one pixel is refused as bad input."""

    recipe = "scripted"
    digest = "5c" * 32

    def __init__(self, sabotage: Sabotage) -> None:
        self._sabotage = sabotage
        self.batches: list[list[str]] = []
        self.threads: set[int] = set()

    def inspect(self, parts: Sequence[Part], states: Sequence[LineState | None]) -> list[Finding]:
        self._sabotage.hit("inspect")
        self.threads.add(get_ident())
        self.batches.append([part.line for part in parts])
        return [self._judge(part, state) for part, state in zip(parts, states, strict=True)]

    def build_state(self, references: Sequence[Part], spec: LineSpec, *, product: str = "") -> LineState:
        raise ValueError("this inspector learns nothing")

    @staticmethod
    def _judge(part: Part, state: LineState | None) -> Finding:
        if any(image.size == 3 for image in part.images.values()):
            raise BadInput("image", "one pixel shows nothing")
        score = max((float(image.mean()) for image in part.images.values()), default=0.0)
        verdict = Verdict.DEFECT if score > THRESHOLD else Verdict.OK
        mode = Mode.ZERO_SHOT if state is None else Mode.MEMORY
        pictures = {
            name: Picture(
                map=np.full(image.shape[:2], score, np.float32),
                mask=np.full(image.shape[:2], verdict is Verdict.DEFECT),
                map_threshold=THRESHOLD,
            )
            for name, image in part.images.items()
        }
        region = Region(index=0, modality="rgb", xyxy_px=(0, 0, 8, 8), area_px=64, score=score, facts=FACTS)
        return Finding(
            verdict=verdict,
            score=score,
            threshold=THRESHOLD,
            mode=mode,
            modalities=tuple(
                ModalityVerdict(modality=name, state=ModalityState.USED, verdict=verdict, score=score, mode=mode)
                for name in part.modalities
            ),
            regions=(region,) if verdict is Verdict.DEFECT else (),
            pictures=pictures,
        )
