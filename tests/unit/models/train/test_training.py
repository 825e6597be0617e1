"""Both stages of training, with tiny networks: they learn, repeat themselves, and go on where they stopped."""

from pathlib import Path

import numpy as np
import pytest
import torch

from models.backbones.student import Student
from models.synth.line import FAMILIES, PHOTOGRAPH, draw_line, draw_part
from models.train.decoding import DecodingProgress, DecodingSettings, train_decoder
from models.train.distillation import DistillationProgress, DistillationSettings, distil
from models.train.embedded import TrainingSettings, train_embedded
from models.train.episodes import HELD_OUT_FAMILIES, draw_episode, share_masks, training_families
from models.train.photographs import Photographs
from models.train.teacher import FilterTeacher
from tests.unit.models.tiny_networks import DECODER, STUDENT, tiny_networks

CPU = torch.device("cpu")
DISTIL = DistillationSettings(student=STUDENT, steps=4, check_every=2, warm_up=1, fit_steps=2, held_out_steps=2)
DECODE = DecodingSettings(decoder=DECODER, steps=2, check_every=1, warm_up=1, held_out_episodes=2)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def photographs() -> Photographs:
    drawn = [draw_part(draw_line(i, family="concrete", height=300, width=300), 0).rgb_u8 for i in range(2)]
    return Photographs.of(drawn)


def distilled(photographs: Photographs, checkpoint: Path, settings: DistillationSettings = DISTIL) -> Student:
    return distil(settings, FilterTeacher(CPU), photographs, checkpoint, device=CPU, report=lambda progress: None)


def test_the_same_seed_gives_the_same_student_even_when_interrupted(photographs: Photographs, tmp_path: Path):
    whole = distilled(photographs, tmp_path / "whole.pt").state_dict()

    class Interrupted(Exception):
        pass

    def stop(progress: DistillationProgress) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        distil(DISTIL, FilterTeacher(CPU), photographs, tmp_path / "half.pt", device=CPU, report=stop)
    resumed = distilled(photographs, tmp_path / "half.pt").state_dict()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_a_student_learns_what_its_teacher_sees(photographs: Photographs, tmp_path: Path):
    seen: list[DistillationProgress] = []
    settings = DistillationSettings(
        student=STUDENT, steps=24, check_every=12, warm_up=4, learning_rate=1e-2, fit_steps=2, held_out_steps=1
    )
    distil(settings, FilterTeacher(CPU), photographs, tmp_path / "run.pt", device=CPU, report=seen.append)
    assert [progress.step for progress in seen] == [12, 24]
    assert seen[-1].loss < 0.9 * seen[0].loss


def test_the_same_seed_gives_the_same_decoder_even_when_interrupted(tmp_path: Path):
    student, _ = tiny_networks()

    class Interrupted(Exception):
        pass

    def stop(progress: DecodingProgress) -> None:
        raise Interrupted

    whole = train_decoder(DECODE, student, (), tmp_path / "whole.pt", device=CPU, report=lambda progress: None)
    with pytest.raises(Interrupted):
        train_decoder(DECODE, student, (), tmp_path / "half.pt", device=CPU, report=stop)
    resumed = train_decoder(DECODE, student, (), tmp_path / "half.pt", device=CPU, report=lambda progress: None)
    assert all(torch.equal(value, resumed.state_dict()[name]) for name, value in whole.state_dict().items())


def test_training_leaves_weights_a_card_with_their_hash_and_curves(tmp_path: Path):
    settings = TrainingSettings(distillation=DISTIL, decoding=DECODE)
    trained = train_embedded(
        settings, tmp_path, teacher_file=None, photos=None, device="cpu", threads=1, report=lambda progress: None
    )
    card = (tmp_path / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert trained.sha256 in card
    assert "none (fixed filters)" in card
    assert all(family in card for family in FAMILIES)
    assert (tmp_path / "curves" / "distillation.csv").read_text(encoding="utf-8").count("\n") == 3
    assert "<svg" in (tmp_path / "curves" / "decoding.html").read_text(encoding="utf-8")


def test_episodes_are_functions_of_their_seed_and_hide_nothing_in_good_parts():
    families = training_families(())
    first, second = (draw_episode(1, 2, side_px=64, photographs=(), families=families) for _ in range(2))
    assert np.array_equal(first.queries, second.queries)
    assert not first.masks[:2].any()
    assert first.masks[2:].any()
    assert not set(families) & set(HELD_OUT_FAMILIES)
    assert PHOTOGRAPH not in families


def test_a_cells_share_is_how_much_of_it_is_defective():
    mask = np.zeros((1, 8, 8), np.bool_)
    mask[0, 0:4, 0:2] = True
    assert share_masks(mask, 4).tolist() == [[[0.5, 0.0], [0.0, 0.0]]]
