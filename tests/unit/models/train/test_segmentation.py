"""SAM-LLaVA's segmentation stage at tiny size on drawn lines (SYSTEMS C 4, 21, 24-26)."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from models.backbones.sam.model import sam_settings
from models.backbones.weights_file import parameters_sha256
from models.refine.mask_decoder import Masks
from models.refine.new_segmenter import new_segmenter
from models.refine.segmenter import Segmenter, SegmenterSettings
from models.refine.segmenter_file import load_segmenter, pack_segmenter, segmenter_settings
from models.synth.line import draw_line
from models.synth.mvtec_folder import DataSetSize, write_line
from models.train.coarse_prompts import coarse_prompt
from models.train.samllava import (
    ABLATIONS,
    FULL,
    SegmenterTraining,
    Variant,
    checked_prompt,
    checked_size,
    train_segmenter,
)
from models.train.segmentation import (
    SegmentationProgress,
    SegmentationRun,
    SegmentationSettings,
    overlap,
    segmentation_loss,
    train_segmentation,
)
from models.train.segmentation_samples import DrawnSamples, labelled_samples
from wire.errors import ConfigurationError

Rows = list[SegmentationProgress]
CPU = torch.device("cpu")
SOAK = bool(os.environ.get("LINESIDE_SOAK"))
SEEDS, STEPS = ((0, 1, 2), 1000) if SOAK else ((0,), 120)
WITHOUT_PROMPT = tuple(each for each in ABLATIONS if not each.multiscale_prompt)


@pytest.fixture(scope="module")
def samples() -> DrawnSamples:
    torch.set_num_threads(1)
    return DrawnSamples(side_px=64, count=48, held_out=24)


def segmenter(seed: int = 0, variant: Variant = FULL) -> Segmenter:
    settings = SegmenterSettings(
        multiscale_prompt=variant.multiscale_prompt, multiscale_decoder=variant.multiscale_decoder, prompt_width=4
    )
    return new_segmenter(sam_settings("tiny"), settings, weights=None, seed=seed)


def settings(steps: int, check_every: int = 1000) -> SegmentationSettings:
    return SegmentationSettings(
        steps=steps, batch=4, learning_rate=3e-3, warm_up=10, check_every=check_every, held_out=24
    )


def trained(
    samples: DrawnSamples, folder: Path, own: SegmentationSettings
) -> tuple[Segmenter, list[SegmentationProgress]]:
    network, rows = segmenter(), []
    train_segmentation(own, network, samples, folder / "run.pt", device=CPU, report=rows.append)
    return network, rows


def test_a_coarse_prompt_lies_over_its_truth_and_is_never_empty():
    rng = np.random.default_rng(0)
    truth = np.zeros((64, 64), np.bool_)
    truth[20:34, 30:50] = True
    overlaps = []
    for _ in range(50):
        coarse = coarse_prompt(truth, rng)
        assert coarse.any()
        overlaps.append((coarse & truth).sum() / (coarse | truth).sum())
    assert 0.5 < float(np.median(overlaps)) < 0.95
    speck = np.zeros((64, 64), np.bool_)
    speck[0, 0] = True
    assert all(coarse_prompt(speck, rng).any() for _ in range(20))


def test_the_loss_is_that_of_the_mask_that_fits_best_and_predicts_how_well_all_fit():
    truth = torch.zeros(1, 4, 4)
    truth[0, :2] = 1
    right, wrong = (truth * 2 - 1) * 20, (truth * 2 - 1) * -20
    answer = Masks(mid=torch.stack([wrong, right], dim=1), iou=torch.tensor([[0.0, 0.5]]))
    # The second mask is perfect: only its predicted IoU, 0.5 instead of 1, costs (0.5^2 + 0) / 2.
    assert float(segmentation_loss(answer, truth)) == pytest.approx(0.125, abs=1e-4)


def test_overlap_by_hand_and_of_nothing_with_nothing():
    found = torch.tensor([[True, True], [False, False]])
    truth = torch.tensor([[True, False], [True, False]])
    assert float(overlap(found, truth)) == pytest.approx(1 / 3)
    assert float(overlap(torch.zeros(2, 2, dtype=torch.bool), torch.zeros(2, 2, dtype=torch.bool))) == 1


def test_ten_steps_move_what_is_trained_and_nothing_of_the_image_encoder(samples: DrawnSamples, tmp_path: Path):
    untouched = segmenter()
    network, rows = trained(samples, tmp_path, settings(10))
    encoder, before = network.sam.image_encoder, untouched.sam.image_encoder
    assert parameters_sha256(encoder) == parameters_sha256(before)
    assert all(parameter.grad is None for parameter in encoder.parameters())
    for module, original in zip(network.trainable(), untouched.trainable(), strict=True):
        assert parameters_sha256(module) != parameters_sha256(original)
    assert [row.step for row in rows] == [10]


def test_an_interrupted_training_goes_on_as_if_it_had_not_been(samples: DrawnSamples, tmp_path: Path):
    (tmp_path / "whole").mkdir()
    whole, _ = trained(samples, tmp_path / "whole", settings(6, check_every=3))
    stopped = SegmentationRun(settings(6), half := segmenter(), samples, CPU)
    for step in range(3):
        stopped.train(step)
    stopped.save(tmp_path / "run.pt", 3)
    assert parameters_sha256(half) != parameters_sha256(whole)
    resumed, _ = trained(samples, tmp_path, settings(6, check_every=3))
    assert parameters_sha256(resumed) == parameters_sha256(whole)


def test_trained_weights_fit_the_encoder_they_were_trained_on_and_no_other(tmp_path: Path):
    file = tmp_path / "segmenter.safetensors"
    original = segmenter(seed=1)
    file.write_bytes(pack_segmenter(original))
    assert segmenter_settings(file) == original.settings
    copy = segmenter(seed=1)
    torch.nn.init.zeros_(copy.sam.mask_decoder.iou_token.weight)
    load_segmenter(copy, file)
    assert parameters_sha256(copy) == parameters_sha256(original)
    with pytest.raises(ConfigurationError, match="trained on an image encoder with sha256"):
        load_segmenter(segmenter(seed=2), file)
    (tmp_path / "other.safetensors").write_bytes(b"no")
    with pytest.raises(ConfigurationError, match="no file that `lineside train samllava` wrote"):
        load_segmenter(copy, tmp_path / "other.safetensors")


def test_pictures_of_a_labelled_folder_are_learned_from_and_some_are_held_out(tmp_path: Path):
    line = draw_line(0, family="brushed", height=48, width=64)
    list(write_line(tmp_path, line, DataSetSize(normals=2, defects=5)))
    labelled = labelled_samples(tmp_path, None)
    learned = {labelled.training(np.random.default_rng(seed)).truth.tobytes() for seed in range(30)}
    held_out = {labelled.held_out(np.random.default_rng(seed)).truth.tobytes() for seed in range(30)}
    assert len(learned) == 3
    assert len(held_out) == 2
    assert not learned & held_out
    sample = labelled.training(np.random.default_rng(0))
    assert sample.image.shape == (48, 64, 3)
    assert 0 <= float(sample.image.min()) < float(sample.image.max()) <= 1


def test_sizes_and_prompts_that_do_not_exist_are_named():
    with pytest.raises(ConfigurationError, match="--sam: 'vit_x' is none of vit_b, vit_l, vit_h, mobile"):
        checked_size("vit_x", None)
    with pytest.raises(ConfigurationError, match="--weights FILE is missing: the checkpoint of SAM vit_b"):
        checked_size("vit_b", None)
    with pytest.raises(ConfigurationError, match="--prompt: 'circle' is none of mask, box, points"):
        checked_prompt("circle")


@pytest.mark.slow
@pytest.mark.timeout(3600)  # `make soak`: eighteen thousand steps of a tiny SAM, ten minutes on a core of its own
def test_training_beats_the_untrained_self_and_the_variants_of_the_papers_table(tmp_path: Path):
    samples = DrawnSamples(side_px=64)
    reached: dict[str, list[float]] = {}
    for seed in SEEDS:
        found = train_segmenter(
            SegmenterTraining(
                size="tiny",
                weights=None,
                sam_seed=seed,
                segmentation=SegmentationSettings(
                    steps=STEPS, batch=8, learning_rate=2e-3, check_every=STEPS, seed=seed
                ),
                ablations=ABLATIONS if SOAK else WITHOUT_PROMPT,
            ),
            samples,
            tmp_path / str(seed),
            device="cpu",
            threads=1,
            report=lambda variant, progress: None,
        )
        full, *others = found.figures
        assert full.untrained < 0.15
        assert full.trained > full.untrained + 0.15
        for each in found.figures:
            reached.setdefault(each.name, []).append(each.trained)
        report = (tmp_path / str(seed) / "REPORT.md").read_text(encoding="utf-8")
        for each in others:
            assert f"| {each.name} | {each.untrained:.3f} | {each.trained:.3f} |" in report
            assert (tmp_path / str(seed) / each.file).is_file()
            assert each.encoder_sha256 == full.encoder_sha256
        assert found.sha256 in report
        assert (tmp_path / str(seed) / "curves" / "full" / "segmentation.html").is_file()
    # Below a thousand steps the further scales are not ahead yet: their heads are new weights.
    margins = {name: float(np.mean(reached["full"]) - np.mean(ious)) for name, ious in reached.items()}
    assert min(margins[each.name] for each in WITHOUT_PROMPT) > 0.02, margins
    assert min(margin for name, margin in margins.items() if name != "full") > 0, margins
