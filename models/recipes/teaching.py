"""People's own classes, into a line's state: examples and good surfaces as points of the classifier's metric."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.kinds.classifier import KindClassifier
from models.kinds.lessons import lesson_tensors, lessons_in, points_in, taught_in
from models.kinds.seen_picture import SeenPicture
from models.kinds.taught import Points
from models.kinds.vocabulary import DefectType
from models.recipes.part_views import View
from models.recipes.picture_detector import PictureDetector
from wire.lesson import Lesson
from wire.line_state import LineState, TaughtExample, tensors_digest
from wire.part import Part

# The latest good surfaces are compared with: a few examples on a few good parts each.
_MOST_OTHERS = 64


@dataclass(frozen=True, kw_only=True)
class Eye:
    """A detector, the pictures of a part (by its index) that it looks at, images or depth, and what names regions."""

    detector: PictureDetector
    views: Callable[[int, Part], list[View]]
    kinds: KindClassifier


@dataclass(frozen=True, kw_only=True)
class Teacher:
    """Sees regions as the inspector does."""

    eyes: Sequence[Eye]

    def teach(self, state: LineState, lessons: Sequence[Lesson], goods: Sequence[Part]) -> LineState:
        """See ``Inspector.teach``. A region that is named again gets its new name; ``unknown`` forgets it."""
        named_again = {_region(lesson.example) for lesson in lessons}
        wanted = [lesson for lesson in lessons if lesson.example.name != DefectType.UNKNOWN]
        taught: list[TaughtExample] = []
        tensors = {name: tensor for name, tensor in state.tensors.items() if name not in lessons_in(state.tensors)}
        modalities = dict.fromkeys(
            [*(each.modality for each in state.metadata.taught), *(lesson.example.modality for lesson in wanted)]
        )
        for modality in modalities:
            own = [lesson for lesson in wanted if lesson.example.modality == modality]
            before = taught_in(state.metadata.taught, modality)
            kept = [index for index, each in enumerate(before) if _region(each) not in named_again]
            new = [self._point(lesson.part, modality, lesson.own, lesson.marked) for lesson in own]
            dims = new[0].shape[1] if new else 0  # of what was taught before: that has its own
            examples, others = points_in(state.tensors, modality, dims)
            surfaces = [
                self._point(good, modality, lesson.own, lesson.own)
                for lesson in own
                for good in goods
                if self._size(good, modality) == lesson.own.shape
            ]
            taught += [*(before[index] for index in kept), *(lesson.example for lesson in own)]
            tensors |= lesson_tensors(
                modality, np.concatenate([examples[kept], *new]), np.concatenate([others, *surfaces])[-_MOST_OTHERS:]
            )
        metadata = state.metadata.model_copy(update={"taught": tuple(taught), "digest": tensors_digest(tensors)})
        return LineState(metadata=metadata, tensors=tensors)

    def _point(self, part: Part, modality: str, own: NDArray[np.bool_], marked: NDArray[np.bool_]) -> Points:
        """(1, M); ValueError if the part has no such picture, or one of another size, or one that shows nothing."""
        found = self._view(part, modality)
        if found is None:
            there = ", ".join(view.modality for _, view in self._views(part)) or "none"
            raise ValueError(
                f"part {part.part_id}: its picture {modality!r} is not there any more (pictures: {there}); "
                "name a region of a part whose pictures are still stored"
            )
        eye, view = found
        if view.planes.size != own.shape:
            raise ValueError(f"part {part.part_id}: a region of {own.shape} px on {modality} of {view.planes.size} px")
        (look,) = eye.detector.maps([view.planes], [None], [modality])
        if look is None or look.features is None:
            raise ValueError(
                f"part {part.part_id}: nothing can be seen in {modality} (no pixel of it was measured, or its detector "
                "has no features); name a region of another picture or part"
            )
        numbers = np.where(own, 1, np.where(marked, 2, 0)).astype(np.uint8)
        seen = SeenPicture(features=look.features, pixels=view.planes.values, numbers=numbers)
        return eye.kinds.points(seen, 1)

    def _size(self, part: Part, modality: str) -> tuple[int, int] | None:
        found = self._view(part, modality)
        return None if found is None else found[1].planes.size

    def _view(self, part: Part, modality: str) -> tuple[Eye, View] | None:
        return next((each for each in self._views(part) if each[1].modality == modality), None)

    def _views(self, part: Part) -> Iterator[tuple[Eye, View]]:
        """One eye after the other: a plane is fitted to depth only where images do not have what is looked for."""
        return ((eye, view) for eye in self.eyes for view in eye.views(0, part))


def _region(example: TaughtExample) -> tuple[object, int]:
    return example.inspection_id, example.region_index
