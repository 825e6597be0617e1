"""What people taught a line, as tensors of its state: examples and good surfaces, per modality."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.kinds.taught import Limits, Points, TaughtClass, taught_classes
from wire.line_state import LineState, TaughtExample, tensors_digest

_EXAMPLES, _OTHERS = "kind_examples", "kind_others"


def lesson_tensors(modality: str, examples: Points, others: Points) -> dict[str, NDArray[np.float32]]:
    """By the names under which a line state keeps them: examples (E, M) in the order of ``taught``, others (O, M)."""
    return {f"{modality}.{_EXAMPLES}": examples, f"{modality}.{_OTHERS}": others}


def lessons_in(tensors: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """Those of a state's tensors that people taught."""
    return {name: tensor for name, tensor in tensors.items() if name.endswith((f".{_EXAMPLES}", f".{_OTHERS}"))}


def points_in(tensors: Mapping[str, NDArray[np.float32]], modality: str, metric_dims: int) -> tuple[Points, Points]:
    """(examples (E, M), others (O, M)) of a modality; empty ones where nothing was taught."""
    nothing = np.zeros((0, metric_dims), np.float32)
    return tensors.get(f"{modality}.{_EXAMPLES}", nothing), tensors.get(f"{modality}.{_OTHERS}", nothing)


def carried_over(state: LineState, before: LineState) -> LineState:
    """``state`` with what people taught ``before``, both of one model."""
    tensors = {**state.tensors, **lessons_in(before.tensors)}
    changes = {"taught": before.metadata.taught, "digest": tensors_digest(tensors)}
    return LineState(metadata=state.metadata.model_copy(update=changes), tensors=tensors)


def classes_of(state: LineState, modality: str, limits: Limits) -> Sequence[TaughtClass]:
    """The classes that a state knows in a modality; none with fewer than four examples of each."""
    names = [example.name for example in taught_in(state.metadata.taught, modality)]
    if not names:
        return []
    # KeyError: a state that names examples holds their points.
    examples, others = state.tensors[f"{modality}.{_EXAMPLES}"], state.tensors[f"{modality}.{_OTHERS}"]
    return taught_classes(names, examples, others, limits)


def taught_in(taught: Sequence[TaughtExample], modality: str) -> list[TaughtExample]:
    """The examples of one modality, in their order."""
    return [example for example in taught if example.modality == modality]
