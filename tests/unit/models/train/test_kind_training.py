"""Training of the classifier of kinds: what it draws, learns, measures and writes."""

from pathlib import Path

import numpy as np
import pytest
import torch

from models.kinds.kind_network import KindNetwork
from models.kinds.vocabulary import NAMED
from models.recipes import load_inspector
from models.recipes.recipe import read_recipe
from models.synth.defect import SENSOR_KINDS, DefectKind
from models.train.kind_figures import figures
from models.train.kind_metric import episodes, fit_limits, fit_metric, recognised
from models.train.kind_samples import KindSamples
from models.train.kind_truth import TYPE_OF
from models.train.kinds import CARD, KindTraining, fit, fit_temperature, train_kinds
from models.train.mask_jitter import jittered
from tests.unit.models.tiny_networks import QUICK, written_recipe
from wire.errors import ConfigurationError


def made_samples(lines: int = 12, *, seed: int = 0, dims: int = 8) -> KindSamples:
    """Six of one kind and three of another per line; kinds differ in the first coordinate, lines in the second."""
    rng = np.random.default_rng(seed)
    kinds = np.tile([0] * 6 + [1] * 3, lines)
    of_line = np.repeat(np.arange(lines), 9)
    vectors = rng.normal(0, 0.3, (len(kinds), dims)).astype(np.float32)
    vectors[:, 0] += 4 * kinds
    vectors[:, 1] += 10 * rng.normal(size=lines)[of_line]
    return KindSamples(
        vectors=vectors,
        types=kinds.astype(np.int64),
        lines=of_line.astype(np.int64),
        kinds=kinds.astype(np.int64),
        marked=np.zeros(len(kinds), np.bool_),
    )


def test_every_kind_that_a_picture_shows_has_a_type_and_every_type_a_kind():
    assert set(TYPE_OF) == set(DefectKind) - SENSOR_KINDS
    assert set(TYPE_OF.values()) == set(NAMED)


def test_jitter_changes_a_mask_and_never_empties_it():
    one = np.zeros((40, 40), np.bool_)
    one[20, 20] = True
    block = np.zeros((40, 40), np.bool_)
    block[10:22, 5:30] = True
    areas = set()
    for seed in range(40):
        rng = np.random.default_rng(seed)
        assert jittered(one, rng).any()
        changed = jittered(block, rng)
        areas.add(int(changed.sum()))
        assert (changed & block).any()
    assert min(areas) < 300 < max(areas)
    assert not jittered(np.zeros((40, 40), np.bool_), np.random.default_rng(0)).any()


def test_the_metric_keeps_what_tells_kinds_apart_and_forgets_the_line():
    samples = made_samples()
    metric = fit_metric(samples.vectors, samples, 2)
    assert metric.shape == (8, 2)
    first = np.abs(metric[:, 0]) * samples.vectors.std(axis=0)
    assert int(first.argmax()) == 0
    points = samples.vectors @ metric
    limits = fit_limits(points, samples)
    assert 0 < limits.least <= limits.most
    recall, alarms = recognised(points, samples, limits)
    assert recall > 0.6
    assert alarms < 0.15


def test_an_episode_asks_for_the_rest_of_a_line():
    samples = made_samples(lines=2)
    (first, _) = list(episodes(samples))
    examples, is_same, asked = first
    assert examples.tolist() == [0, 1, 2, 3]
    assert asked.tolist() == [4, 5, 6, 7, 8]
    assert is_same.tolist() == [True, True, False, False, False]
    few = samples.take(samples.lines == -1)
    with pytest.raises(ValueError, match="no line has four defects of one kind"):
        fit_limits(np.zeros((0, 2), np.float32), few)


def test_a_classifier_learns_its_samples():
    samples = made_samples()
    network = fit(samples, KindTraining(lines=12, held_out_lines=12, steps=60))
    assert isinstance(network, KindNetwork)
    answers = network(torch.from_numpy(samples.vectors)).argmax(dim=1).numpy()
    assert float((answers == samples.types).mean()) > 0.95


def test_the_temperature_makes_probabilities_true():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, len(NAMED), 4000)
    logits = np.zeros((4000, len(NAMED)), np.float32)
    logits[np.arange(4000), truth] = 1.0
    logits += rng.gumbel(size=logits.shape).astype(np.float32)
    assert fit_temperature(4 * logits, truth) > 2 * fit_temperature(logits, truth)


def test_figures_of_a_hand_made_answer():
    chances = np.full((4, len(NAMED)), 0.01, np.float32)
    for row, (answer, sure) in enumerate([(0, 0.9), (0, 0.6), (1, 0.7), (1, 0.4)]):
        chances[row, answer] = sure
    truth = np.array([0, 1, 1, 1])
    measured = figures(chances, truth, np.array([True, True, False, False]), 0.5, (0.8, 0.1))
    assert (measured.accuracy, measured.accuracy_marked, measured.answered) == (0.75, 0.5, 0.75)
    assert measured.accuracy_answered == pytest.approx(2 / 3)
    assert measured.mean_recall == pytest.approx((1 + 2 / 3) / 2)
    # Bins 0.9: |0.9 - 1|, 0.6: |0.6 - 0|, 0.7: |0.7 - 1|, 0.4: |0.4 - 1|
    assert measured.calibration_error == pytest.approx((0.1 + 0.6 + 0.3 + 0.6) / 4, abs=1e-6)
    assert measured.confusion[1, :2].tolist() == [1, 2]
    assert measured.matrix().splitlines()[0] == "| true \\ answered | scratch | crack |"


def test_training_writes_a_file_that_its_recipe_loads(tmp_path: Path):
    recipe = written_recipe(tmp_path, **QUICK)
    settings = KindTraining(lines=4, held_out_lines=4, steps=5)
    done: list[int] = []
    trained = train_kinds(
        settings, tmp_path / "out", recipe=str(recipe), photos=None, device="cpu", threads=1, report=done.append
    )
    assert done == list(range(1, 9))
    assert trained.file.stat().st_size < 1e6
    card = (tmp_path / "out" / CARD).read_text(encoding="utf-8")
    assert trained.sha256 in card
    assert "| true \\ answered |" in card
    again = train_kinds(settings, tmp_path / "again", recipe=str(recipe), photos=None, device="cpu", threads=1)
    assert again.sha256 == trained.sha256
    section = f"kinds: {{weights: out/kinds.safetensors, sha256: {trained.sha256}, least_probability: 0.5}}\n"
    recipe.write_text(recipe.read_text(encoding="utf-8") + section, encoding="utf-8")
    read = read_recipe(str(recipe))
    assert read.kinds is not None
    load_inspector(str(recipe))


def test_a_recipe_without_a_network_has_nothing_to_learn_from(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="has no network"):
        train_kinds(
            KindTraining(lines=1, held_out_lines=1),
            tmp_path,
            recipe="filter_bank",
            photos=None,
            device="cpu",
            threads=1,
        )
