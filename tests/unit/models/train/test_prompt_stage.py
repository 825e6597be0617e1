"""SYSTEMS part C, rows 4, 7 and 11: the prompt stage on drawn lines, with a tiny network."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from models.backbones.clip_model import TINY_CLIP
from models.backbones.weights_file import parameters_sha256
from models.ground.text_delta import text_delta
from models.recipes import load_inspector
from models.recipes.recipe import read_recipe
from models.recipes.spgdd_recipe import SpgddRecipe
from models.recipes.token_eye import token_eye
from models.text.prompt_bank import usual_suffixes
from models.train.prompt_stage import PromptProgress, PromptRun, PromptStageSettings
from models.train.segmentation_samples import DrawnSamples
from models.train.spgdd import ABLATIONS, TrainedWords, train_words
from wire.errors import ConfigurationError

SETTINGS = PromptStageSettings(steps=200, class_name="surface", batch=8, learning_rate=0.02, check_every=100)
TINY = {"backbone.name": TINY_CLIP}
CHOSEN = {name: ABLATIONS[name] for name in ("Eq. 5 as printed", "no TDDF")}


@pytest.fixture(scope="module")
def samples() -> DrawnSamples:
    return DrawnSamples(side_px=96)


def train(folder: Path, samples: DrawnSamples, settings: PromptStageSettings, **more: object) -> TrainedWords:
    usual: dict[str, object] = {
        "recipe": "spgdd", "changes": TINY, "ablations": {}, "device": "cpu", "threads": 1,
        "report": lambda variant, progress: None,
    }  # fmt: skip
    return train_words(settings, samples, folder, **(usual | more))  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.timeout(600)  # six hundred steps of a tiny network: a minute on a core of its own
def test_trained_words_beat_untrained_ones_and_the_losses_that_lack_a_term(tmp_path: Path, samples: DrawnSamples):
    told: list[tuple[str, PromptProgress]] = []
    trained = train(
        tmp_path, samples, SETTINGS, ablations=CHOSEN, report=lambda name, progress: told.append((name, progress))
    )
    full, literal, without = trained.figures
    assert full.trained > full.untrained + 0.05
    # The paper's table: without TDDF the map is worse; Eq. 5 as printed merges the texts, the hinge keeps them apart.
    assert without.trained < full.trained
    assert literal.trained < full.trained
    assert literal.apart < 0.1 < full.apart_before <= full.apart
    assert [(name, progress.step) for name, progress in told if name == "full"] == [("full", 100), ("full", 200)]
    report = (tmp_path / "REPORT.md").read_text()
    assert f"| full | {full.untrained:.3f} | {full.trained:.3f} |" in report
    assert trained.network_sha256 in report
    assert (tmp_path / "curves" / "full" / "prompts.html").is_file()
    # The words are used by the recipe, and change its digest.
    learned = load_inspector("spgdd", threads=1, changes={**TINY, "text.learned.weights": str(trained.file)})
    assert learned.digest != load_inspector("spgdd", threads=1, changes=TINY).digest


def test_ten_steps_on_one_batch_raise_the_defects_delta_and_change_the_words_alone():
    numbers = read_recipe("spgdd", TINY)
    assert isinstance(numbers, SpgddRecipe)
    eye = token_eye("spgdd", numbers.backbone, torch.device("cpu"))
    own = replace(SETTINGS, steps=10, warm_up=1, learning_rate=0.05)
    one = DrawnSamples(side_px=96, count=1, held_out=1)
    run = PromptRun(
        own, clip=eye.clip, backbone=eye.backbone, tddf=numbers.tddf, samples=one, device=torch.device("cpu")
    )
    before, words = parameters_sha256(eye.clip), parameters_sha256(run.context)
    drawn = one.training(np.random.default_rng(0))
    frame = eye.backbone.profile.frame_of(drawn.image).pixels

    def ahead() -> float:
        """By how much the delta of defective places lies above that of sound ones, on the mean."""
        with torch.no_grad():
            tokens = eye.backbone.encode(torch.from_numpy(frame)[None]).layers[4][0]
            texts = run.context(eye.clip, own.class_name, usual_suffixes())
        truth = torch.from_numpy(drawn.truth)[None, None].float()
        share = F.interpolate(truth, size=eye.backbone.grid, mode="area").flatten()
        delta = text_delta(tokens, texts.normal, texts.abnormal)
        return float(delta[share >= 0.25].mean() - delta[share == 0].mean())

    untrained = ahead()
    losses = [run.train(step) for step in range(10)]
    assert losses[-1] < losses[0]
    assert ahead() > 1.3 * untrained > 0
    assert parameters_sha256(eye.clip) == before
    assert all(parameter.grad is None for parameter in eye.clip.parameters())
    assert parameters_sha256(run.context) != words
    auroc, _ = run.measure()
    assert (
        auroc
        > PromptRun(
            own, clip=eye.clip, backbone=eye.backbone, tddf=numbers.tddf, samples=one, device=torch.device("cpu")
        ).measure()[0]
    )


def test_an_interrupted_run_goes_on_as_if_it_had_not_been(tmp_path: Path, samples: DrawnSamples):
    few = replace(SETTINGS, steps=6, batch=2, held_out=2, check_every=3)
    whole = train(tmp_path / "whole", samples, few)

    class Interrupted(Exception):
        pass

    def stop(variant: str, progress: PromptProgress) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        train(tmp_path / "parts", samples, few, report=stop)
    assert train(tmp_path / "parts", samples, few).sha256 == whole.sha256
    assert train(tmp_path / "other", samples, replace(few, seed=1)).sha256 != whole.sha256


def test_a_network_without_words_has_none_to_learn(tmp_path: Path, samples: DrawnSamples):
    with pytest.raises(ConfigurationError, match="backbone embedded: knows no words, so there are none to learn"):
        train(tmp_path, samples, SETTINGS, changes={"backbone.name": "embedded"})
    with pytest.raises(ConfigurationError, match="is of kind embedded, expected spgdd"):
        train(tmp_path, samples, SETTINGS, recipe="embedded", changes={})
