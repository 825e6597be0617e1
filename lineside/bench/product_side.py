"""The product's side of the comparison with anomalib, as a process: ``RECIPE STATE PICTURES THREADS``."""

import json
import sys
from pathlib import Path
from uuid import uuid4

import numpy as np

from lineside.bench.full_memory import LINE
from lineside.bench.patchcore.inspect_requests import answer_requests
from models.recipes.loader import load_inspector
from wire.frame import RGB
from wire.line_state import LineState, StateMetadata
from wire.part import Part

_METADATA, _TENSORS = "metadata.json", "tensors.npz"


def save_state(state: LineState, folder: Path) -> None:
    """Write it for the process to come."""
    folder.mkdir()
    (folder / _METADATA).write_text(state.metadata.model_dump_json(), encoding="utf-8")
    np.savez(folder / _TENSORS, **dict(state.tensors))  # type: ignore[arg-type]  # stubs take the names for options


def _load_state(folder: Path) -> LineState:
    metadata = StateMetadata.model_validate(json.loads((folder / _METADATA).read_text(encoding="utf-8")))
    with np.load(folder / _TENSORS) as stored:
        return LineState(metadata=metadata, tensors={name: stored[name] for name in stored.files})


def main(recipe: str, state_folder: str, pictures: str, threads: str) -> None:
    """Load everything, then inspect when asked to."""
    inspector = load_inspector(recipe, threads=int(threads))
    state = _load_state(Path(state_folder))
    images = np.load(pictures)  # (N, H, W, 3) uint8

    def inspect(index: int) -> None:
        image = images[index % len(images)]
        part = Part(inspection_id=uuid4(), line=LINE, part_id=str(index), images={RGB: image})
        inspector.inspect([part], [state])

    answer_requests(inspect)


if __name__ == "__main__":
    main(*sys.argv[1:])
