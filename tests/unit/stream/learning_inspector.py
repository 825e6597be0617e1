"""An Inspector that learns the mean grey of its references: a state whose content can be worked by hand."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from tests.unit.stream.sabotage import Sabotage
from tests.unit.stream.scripted_inspector import ScriptedInspector
from wire.lesson import Lesson
from wire.line_state import Calibration, LineSpec, LineState, StateMetadata, tensors_digest
from wire.part import Part


class LearningInspector(ScriptedInspector):
    """Points: ``build``, ``teach``. ``words``: learned words that came with the references of the last build."""

    words: bytes = b""

    def __init__(self, sabotage: Sabotage, *, digest: str = "5c" * 32) -> None:
        super().__init__(sabotage)
        self.digest = digest

    def build_state(self, references: Sequence[Part], spec: LineSpec, *, product: str = "") -> LineState:
        self._sabotage.hit("build")
        if len(references) < 2:
            raise ValueError(f"{len(references)} references; a line state needs at least 2")
        self.words = references[0].learned_words
        greys = sorted(float(part.images["rgb"].mean()) for part in references)
        tensors = {"rgb.bank": np.array([[np.mean(greys)]], np.float32)}
        return LineState(
            metadata=StateMetadata(
                line=spec.line,
                product=product,
                version=0,
                recipe=self.recipe,
                model_digest=self.digest,
                spec=spec,
                calibrations={
                    "rgb": Calibration(
                        references=len(greys), scores=tuple(greys), location=float(np.mean(greys)), scale=1
                    )
                },
                references=tuple(part.inspection_id for part in references),
                digest=tensors_digest(tensors),
                created_at=datetime.now(UTC),
            ),
            tensors=tensors,
        )

    def check_words(self, file: bytes) -> None:
        """Words for another text tower begin with "other"."""
        if file.startswith(b"other"):
            raise ValueError("context has shape (4, 48), expected (4, 32)")

    def teach(self, state: LineState, lessons: Sequence[Lesson], goods: Sequence[Part]) -> LineState:
        """An example is the mean grey of its pixels; good parts are counted."""
        self._sabotage.hit("teach")
        greys = [[float(lesson.part.images["rgb"][lesson.own].mean())] for lesson in lessons]
        known = state.tensors.get("rgb.kind_examples", np.zeros((0, 1), np.float32))
        tensors = {
            **state.tensors,
            "rgb.kind_examples": np.concatenate([known, np.array(greys, np.float32)]),
            "rgb.kind_others": np.full((len(goods), 1), 1.0, np.float32),
        }
        taught = (*state.metadata.taught, *(lesson.example for lesson in lessons))
        metadata = state.metadata.model_copy(update={"taught": taught, "digest": tensors_digest(tensors)})
        return LineState(metadata=metadata, tensors=tensors)
