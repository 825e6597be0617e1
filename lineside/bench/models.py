"""One run of the models' benchmarks."""

import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import torch

from lineside.bench.anomalib_comparison import bench_anomalib
from lineside.bench.anomalib_environment import Unavailable
from lineside.bench.comparison import Comparison
from lineside.bench.full_memory import ENOUGH_REFERENCES, draw_pictures, learn_full
from lineside.bench.high_resolution import bench_high_resolution
from lineside.bench.model_settings import ModelBench, ModelBenchSettings
from lineside.bench.network_speed import BATCHES, bench_network
from lineside.bench.recipe_speed import bench_resnet18
from lineside.bench.report import BenchReport, Machine
from lineside.bench.search_speed import bench_search
from lineside.bench.token_search import bench_token_search
from models.backbones.student import Student
from models.recipes.embedded_recipe import EmbeddedRecipe
from models.recipes.loader import load_inspector
from models.recipes.network_weights import load_networks
from models.recipes.recipe import read_recipe, weights_file

_NO_NETWORK: Final = "the recipe has no network"
_NOT_ASKED: Final = "only when asked for, by --only anomalib: its first run installs anomalib, several gigabytes"


def run(settings: ModelBenchSettings, tell: Callable[[str], None]) -> BenchReport:
    """Run what is asked for, one after the other. ``tell`` is told what is being measured.

    Limits torch to ``settings.threads`` in this process. ConfigurationError if the recipe is not there.
    """
    machine = Machine.this_one()
    started_at = datetime.now(UTC)
    scale = settings.scale
    inspector = load_inspector(settings.recipe, threads=settings.threads)
    student = _student(settings.recipe)
    tell("drawing a line and filling its memory")
    drawn = draw_pictures(ENOUGH_REFERENCES + max(BATCHES))
    memory = learn_full(inspector, drawn[:ENOUGH_REFERENCES], drawn[ENOUGH_REFERENCES:])
    benches: Mapping[ModelBench, Callable[[], list[Comparison]]] = {
        ModelBench.RESNET18: lambda: bench_resnet18(inspector, memory, scale),
        ModelBench.NETWORK: lambda: [] if student is None else bench_network(inspector, student, memory, scale),
        ModelBench.SEARCH: lambda: bench_search(scale),
        ModelBench.HIGH_RESOLUTION: lambda: bench_high_resolution(inspector, memory, scale),
        ModelBench.TOKEN_SEARCH: lambda: bench_token_search(scale),
        ModelBench.ANOMALIB: lambda: _against_anomalib(settings, tell),
    }
    skipped: dict[str, str] = {}
    found: list[Comparison] = []
    for bench in ModelBench:
        if bench not in settings.benches:
            if bench is ModelBench.ANOMALIB:
                skipped[bench.value] = _NOT_ASKED
        elif bench is ModelBench.NETWORK and student is None:
            skipped[bench.value] = _NO_NETWORK
        else:
            tell(f"measuring: {bench.value}")
            try:
                found += benches[bench]()
            except Unavailable as missing:
                skipped[bench.value] = str(missing)
    return BenchReport(
        started_at=started_at,
        machine=machine,
        recipe=settings.recipe,
        threads=torch.get_num_threads(),
        comparisons=tuple(found),
        skipped=skipped,
    )


def _against_anomalib(settings: ModelBenchSettings, tell: Callable[[str], None]) -> list[Comparison]:
    with tempfile.TemporaryDirectory(prefix="lineside-bench-") as folder:
        return bench_anomalib(Path(folder), settings, tell)


def _student(recipe: str) -> Student | None:
    """The recipe's feature network, a second time and with nothing around it; None if it has none."""
    numbers = read_recipe(recipe)
    if not isinstance(numbers, EmbeddedRecipe) or numbers.network is None:
        return None
    network = numbers.network
    student, _ = load_networks(weights_file(recipe, network.weights), network.sha256, torch.device("cpu"))
    return student
