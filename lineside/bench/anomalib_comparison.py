"""Speed and peak memory of the recipe against anomalib's PatchCore, each in a process of its own.

Most of either process is torch itself, by hundreds of megabytes that depend on its build. So there are two ratios of
memory: of everything, and of what each side needs beyond a process that has imported torch and nothing else.
"""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from lineside.bench.anomalib_environment import ANOMALIB, Unavailable, anomalib_python
from lineside.bench.comparison import Comparison, Direction
from lineside.bench.full_memory import SIDE_PX, draw_pictures, learn_full
from lineside.bench.inspecting_process import InspectingProcess
from lineside.bench.interleaving import interleave
from lineside.bench.model_settings import ModelBenchSettings
from lineside.bench.product_side import save_state
from models.recipes.loader import load_inspector
from wire.frame import RGB
from wire.part import Part

SPEED_AIM: Final = 3.0
MEMORY_AIM: Final = 0.5

_INSPECTED: Final = 8
_LEARN_S: Final = 1800.0
# Places of layer 2 that anomalib keeps of each picture.
_KEPT: Final = round(0.1 * (SIDE_PX // 8) ** 2)
_MIB: Final = 1024 * 1024
# A process that inspects nothing.
_TORCH_ALONE: Final = "import sys, torch\nfor line in sys.stdin: print(0.0, flush=True)"
_SIDE: Final = Path(__file__).parent / "patchcore" / "anomalib_side.py"


def bench_anomalib(folder: Path, settings: ModelBenchSettings, tell: Callable[[str], None]) -> list[Comparison]:
    """One picture at a time, for each number of references. Unavailable if anomalib cannot be had."""
    python = anomalib_python(settings.environment, tell)
    found = []
    for references in settings.scale.anomalib_references:
        own = folder / str(references)
        own.mkdir()
        tell(f"measuring: anomalib, both sides learn from {references} pictures")
        found += _Rig(own, python, settings, references).compare()
    return found


class _Rig:
    """Both sides on the same pictures, which lie in ``folder``."""

    def __init__(self, folder: Path, python: Path, settings: ModelBenchSettings, references: int) -> None:
        self._folder = folder
        self._settings = settings
        self._references = references
        self._pythons = sys.executable, str(python)
        drawn = draw_pictures(references + _INSPECTED)
        learned, inspected = folder / "references.npy", folder / "pictures.npy"
        np.save(learned, _stacked(drawn[:references]))
        np.save(inspected, _stacked(drawn[references:]))
        anomalib = [str(python), str(_SIDE)]
        memory, threads = str(folder / "memory.pt"), str(settings.threads)
        _learn([*anomalib, "learn", str(learned), memory, threads])
        self._anomalib = [*anomalib, "inspect", str(inspected), memory, threads]
        inspector = load_inspector(settings.recipe, threads=settings.threads)
        full = learn_full(inspector, drawn[:references], drawn[references:])
        self._vectors = full.vectors
        save_state(full.state, folder / "state")
        self._product = [
            *(sys.executable, "-m", "lineside.bench.product_side", settings.recipe),
            *(str(folder / "state"), str(inspected), threads),
        ]

    def compare(self) -> list[Comparison]:
        """Frames per second alternately, then what both processes needed at most."""
        scale, threads = self._settings.scale, self._settings.threads
        with (
            InspectingProcess(self._product, self._folder / "product.log", threads=threads) as product,
            InspectingProcess(self._anomalib, self._folder / "anomalib.log", threads=threads) as anomalib,
        ):
            for side in (product, anomalib):
                side.seconds(_INSPECTED)
            rates = interleave(
                lambda: scale.images / product.seconds(scale.images),
                lambda: scale.images / anomalib.seconds(scale.images),
                scale.repetitions,
            )
            peaks = product.peak_bytes() / _MIB, anomalib.peak_bytes() / _MIB
        vectors = f"{self._vectors} against {self._references * _KEPT} x 384"
        note = f"{SIDE_PX} x {SIDE_PX} px, batch 1; vectors in memory: {vectors}"
        speed = Comparison(
            name=f"anomalib, {self._references} references",
            unit="pictures/s",
            product_side=f"recipe {self._settings.recipe}",
            baseline_side=f"PatchCore of {ANOMALIB}, ResNet-18",
            product=rates[0],
            baseline=rates[1],
            aim=SPEED_AIM,
            direction=Direction.AT_LEAST,
            note=note,
        )
        torch = tuple(self._torch_mib(python) for python in self._pythons)
        beyond = peaks[0] - torch[0], peaks[1] - torch[1]
        return [
            speed,
            self._memory("memory", peaks, note),
            self._memory("memory beyond torch", beyond, f"torch alone: {torch[0]:.0f} and {torch[1]:.0f} MiB"),
        ]

    def _memory(self, name: str, mib: tuple[float, float], note: str) -> Comparison:
        return Comparison(
            name=f"anomalib, {self._references} references, {name}",
            unit="MiB",
            product_side="peak of a process that inspects",
            baseline_side="the same",
            product=(mib[0],),
            baseline=(mib[1],),
            aim=MEMORY_AIM,
            direction=Direction.AT_MOST,
            note=note,
        )

    def _torch_mib(self, python: str) -> float:
        log, threads = self._folder / "torch.log", self._settings.threads
        with InspectingProcess([python, "-c", _TORCH_ALONE], log, threads=threads) as process:
            process.seconds(0)
            return process.peak_bytes() / _MIB


def _stacked(parts: Sequence[Part]) -> NDArray[np.uint8]:
    """(N, H, W, 3)."""
    return np.stack([np.asarray(part.images[RGB], np.uint8) for part in parts])


def _learn(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_LEARN_S, check=False)
    if done.returncode:
        raise Unavailable(f"{ANOMALIB} does not run: {' '.join(done.stderr.strip().splitlines()[-1:])}")
