"""Token recipes on a GPU: the same answers as on the CPU, many lines in one search, frozen networks in training."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from models.evaluate.loading import part_of
from models.memory.coreset import CoresetSettings
from models.memory.many_banks import cosine_distance_in_each, nearest_in_each
from models.memory.resident_banks import ResidentBanks, usual_budget_bytes
from models.memory.token_bank import TokenBank, build_token_bank
from models.recipes import load_inspector
from models.train.prompt_stage import PromptStageSettings
from models.train.samllava import SegmenterTraining, train_segmenter
from models.train.segmentation import SegmentationSettings
from models.train.segmentation_samples import DrawnSamples
from models.train.spgdd import train_words
from tests.unit.models.needs_cuda import NEEDS_CUDA
from wire.inspector import Inspector
from wire.line_state import LineSpec
from wire.part import Part

pytestmark = NEEDS_CUDA
TINY = {"backbone.name": "tiny-clip", "text.ensemble": "short"}
EMBEDDED = {"backbone.name": "embedded", "backbone.frame_px": "64"}
SAM = {"sam.size": "tiny", "sam.seed": "0", "coarse.threshold": "otsu"}
RECIPES = [
    ("spgdd", TINY),
    ("spgdd", {**TINY, "memory.match": "nearest"}),
    ("spgdd", EMBEDDED),
    ("samllava", {**TINY, **SAM}),
    ("samllava", {**EMBEDDED, "sam.size": "null"}),
]


def part(seed: int, *, defect: bool = False) -> Part:
    pattern = np.random.default_rng(0).integers(40, 160, (8, 12, 3)).repeat(8, 0).repeat(8, 1)
    image = pattern + np.random.default_rng(100 + seed).integers(-6, 7, pattern.shape)
    if defect:
        image[20:40, 60:80] = 255
    return part_of(np.clip(image, 0, 255).astype(np.uint8), f"part {seed} {defect}", "l")


@pytest.mark.parametrize(("recipe", "changes"), RECIPES)
def test_a_gpu_finds_what_a_cpu_finds_for_lines_with_and_without_a_memory(recipe: str, changes: Mapping[str, str]):
    on_cpu, on_gpu = (load_inspector(recipe, device=device, changes=changes) for device in ("cpu", "cuda"))
    assert on_cpu.digest == on_gpu.digest
    references = [part(seed) for seed in range(4)]
    spec = LineSpec(line="l")
    seen = [part(30), part(31, defect=True), references[2], part(32)]

    def found(inspector: Inspector) -> list[tuple[np.ndarray, float | None, object]]:
        state = inspector.build_state(references, spec)
        return [
            (each.pictures["rgb"].map, each.score, each.modalities[0].closest_reference)
            for each in inspector.inspect(seen, [state, state, state, None])
        ]

    for (cpu_map, cpu_score, cpu_closest), (gpu_map, gpu_score, gpu_closest) in zip(
        found(on_cpu), found(on_gpu), strict=True
    ):
        # Convolutions of a GPU round to ten bits (TF32) by torch's default.
        np.testing.assert_allclose(gpu_map, cpu_map, atol=0.02)
        assert gpu_score == pytest.approx(cpu_score, abs=0.02)
        assert gpu_closest == cpu_closest


def test_a_line_with_four_references_and_one_with_ten_thousand_vectors_share_a_search():
    generator = torch.Generator().manual_seed(0)

    def random(count: int) -> torch.Tensor:
        return F.normalize(torch.randn(count, 64, generator=generator), dim=1)

    queries, banks = [random(225), random(225), random(7)], [random(900), random(10_000), random(3)]
    expected = [1 - (own.double() @ bank.double().T).amax(dim=1) for own, bank in zip(queries, banks, strict=True)]
    found = cosine_distance_in_each([each.cuda() for each in queries], [each.cuda() for each in banks])
    for own, right in zip(found, expected, strict=True):
        torch.testing.assert_close(own.cpu().double(), right, rtol=0, atol=1e-5)


def test_the_shipped_network_finds_on_a_gpu_what_it_finds_on_a_cpu_for_many_lines_at_once():
    on_cpu, on_gpu = (load_inspector("embedded", device=device) for device in ("cpu", "cuda"))
    lines = [[part(seed) for seed in range(first, first + 5)] for first in (0, 10)]
    states = [on_cpu.build_state(references, LineSpec(line="l")) for references in lines]
    parts, memories = [part(30), part(31, defect=True), part(32), part(33)], [*states, None, states[0]]
    for _ in range(2):  # the second time banks are there already
        for cpu, gpu in zip(on_cpu.inspect(parts, memories), on_gpu.inspect(parts, memories), strict=True):
            # Convolutions of a GPU round to ten bits (TF32) by torch's default.
            np.testing.assert_allclose(gpu.pictures["rgb"].map, cpu.pictures["rgb"].map, atol=0.05, rtol=0.02)
            assert gpu.mode == cpu.mode


def test_the_nearest_vectors_of_many_lines_on_a_gpu_are_those_of_a_cpu():
    generator = torch.Generator().manual_seed(0)
    queries = [torch.randn(count, 64, generator=generator) for count in (1024, 1024, 7)]
    banks = [torch.randn(size, 64, generator=generator) for size in (900, 4096, 3)]
    found = nearest_in_each([each.cuda() for each in queries], [each.cuda() for each in banks])
    for (distances, indices), (right, at) in zip(found, nearest_in_each(queries, banks), strict=True):
        torch.testing.assert_close(distances.cpu(), right, rtol=0, atol=1e-3)
        assert float((indices.cpu() == at).float().mean()) > 0.999  # rounding decides between equally near ones


def test_a_search_needs_as_much_memory_for_many_pictures_as_for_few():
    generator = torch.Generator(device="cuda").manual_seed(0)
    bank = F.normalize(torch.randn(10_000, 64, generator=generator, device="cuda"), dim=1)

    def extra(pictures: int) -> int:
        queries = bank[:225].repeat(pictures, 1)
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        cosine_distance_in_each([queries], [bank])
        return torch.cuda.max_memory_allocated() - before - 3 * 4 * len(queries)  # best, 1 - best, and its clamp

    extra(64)
    assert extra(256) < 1.2 * extra(64)


def test_banks_stay_on_the_gpu_from_one_batch_to_the_next():
    device = torch.device("cuda")
    coreset = CoresetSettings(candidates=64, projected_dims=4, seed=0)
    tensors = build_token_bank([{3: torch.eye(4)}], coreset, max_vectors=4).tensors("rgb")
    assert usual_budget_bytes(device) > 2**30
    banks = ResidentBanks(TokenBank.from_tensors, device, budget_bytes=usual_budget_bytes(device))
    (first,), (second,) = banks.of([tensors], ["rgb"]), banks.of([tensors], ["rgb"])
    assert first is second
    assert first is not None
    assert first.vectors[3].is_cuda


def test_words_are_learned_on_a_gpu_and_the_network_stays_as_it_is(tmp_path: Path):
    settings = PromptStageSettings(steps=4, class_name="surface", batch=2, held_out=2, check_every=2)
    losses: list[float] = []
    trained = train_words(
        settings, DrawnSamples(side_px=48, count=4, held_out=2), tmp_path, recipe="spgdd", changes=TINY,
        ablations={}, device="cuda", threads=1, report=lambda name, progress: losses.append(progress.loss),
    )  # fmt: skip
    assert len(losses) == 2
    assert np.isfinite(losses).all()
    learned = load_inspector("spgdd", device="cuda", changes={**TINY, "text.learned.weights": str(trained.file)})
    assert learned.inspect([part(1)], [None])[0].score is not None


def test_the_segmentation_stage_learns_on_a_gpu_and_the_encoder_stays_as_it_is(tmp_path: Path):
    training = SegmenterTraining(
        size="tiny",
        weights=None,
        sam_seed=0,
        segmentation=SegmentationSettings(steps=4, batch=2, held_out=2, check_every=2),
    )
    trained = train_segmenter(
        training, DrawnSamples(side_px=64, count=4, held_out=2), tmp_path, device="cuda", threads=1,
        report=lambda name, progress: None,
    )  # fmt: skip
    assert len(trained.figures[0].encoder_sha256) == 64
    assert np.isfinite(trained.figures[0].trained)
