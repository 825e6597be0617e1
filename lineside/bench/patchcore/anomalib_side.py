"""anomalib's side of the comparison: ``learn PICTURES MEMORY THREADS`` or ``inspect PICTURES MEMORY THREADS``.

PatchCore as anomalib configures it, but for
two things: weights are untrained, since nothing may be downloaded while measuring; and the tenth of the patches that it
remembers is drawn by lot. Its own choice takes minutes to hours and gives a memory of the same size, on whose values
the time of a search does not depend.
"""

import sys

import numpy as np
import torch
from anomalib.models import Patchcore  # type: ignore[import-not-found]  # only in that environment
from inspect_requests import answer_requests  # type: ignore[import-not-found]  # beside this file, which runs as a script
from numpy.typing import NDArray
from torch import Tensor

_SEED = 0
_SHARE = 0.1  # anomalib's default


def _new_model() -> Patchcore:
    torch.manual_seed(_SEED)
    return Patchcore(backbone="resnet18", layers=("layer2", "layer3"), pre_trained=False, coreset_sampling_ratio=_SHARE)


def _tensor(picture: NDArray[np.uint8]) -> Tensor:
    """(H, W, 3) uint8 -> (1, 3, H, W) float in [0, 1]."""
    return torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255


def _learn(pictures: NDArray[np.uint8], memory: str) -> None:
    model = _new_model()
    patches = model.model
    patches.train()
    patches.feature_extractor.eval()
    kept = []
    with torch.inference_mode():
        for picture in pictures:
            rows = patches(model.pre_processor(_tensor(picture)))  # (1024, 384)
            patches.embedding_store.clear()
            kept.append(rows[torch.randperm(len(rows))[: round(_SHARE * len(rows))]].clone())
    torch.save(torch.cat(kept), memory)


def _inspect(pictures: NDArray[np.uint8], memory: str) -> None:
    model = _new_model()
    model.model.memory_bank = torch.load(memory, weights_only=True)
    model.eval()

    def inspect(index: int) -> None:
        with torch.inference_mode():
            model(_tensor(pictures[index % len(pictures)]))

    answer_requests(inspect)


if __name__ == "__main__":
    task, picture_file, memory_file, threads = sys.argv[1:]
    torch.set_num_threads(int(threads))
    {"learn": _learn, "inspect": _inspect}[task](np.load(picture_file), memory_file)
