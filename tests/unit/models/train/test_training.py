"""Both stages of training, with tiny networks: they learn, repeat themselves, and go on where they stopped."""

import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from models.backbones.student import Student
from models.recipes.network_weights import new_decoder, read_networks, student_sha256
from models.synth.line import FAMILIES, PHOTOGRAPH, draw_line, draw_part
from models.train.ahead import drawn_ahead, prepared_ahead
from models.train.curriculum import CURRICULUM
from models.train.decoding import DecodingProgress, DecodingSettings, train_decoder
from models.train.decoding_loss import decoding_loss
from models.train.distillation import DistillationProgress, DistillationSettings, distil
from models.train.embedded import train_embedded
from models.train.episodes import HELD_OUT_FAMILIES, draw_episode, share_masks, training_families
from models.train.photographs import Photographs
from models.train.teacher import FilterTeacher
from tests.unit.models.needs_cuda import NEEDS_CUDA
from tests.unit.models.tiny_networks import DECODER, STUDENT, tiny_networks
from tests.unit.models.train.tiny_trainings import BOTH, DECODE, DISTIL
from wire.errors import ConfigurationError, ShapeError

CPU = torch.device("cpu")


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
    settings = replace(DISTIL, steps=24, check_every=12, warm_up=4, learning_rate=1e-2)
    distil(settings, FilterTeacher(CPU), photographs, tmp_path / "run.pt", device=CPU, report=seen.append)
    assert [progress.step for progress in seen] == [12, 24]
    assert seen[-1].loss < 0.9 * seen[0].loss


def test_a_student_that_goes_on_from_an_earlier_one_keeps_what_it_learned_even_if_targets_turned(
    photographs: Photographs, tmp_path: Path
):
    first: list[DistillationProgress] = []
    settings = replace(DISTIL, steps=24, check_every=24, learning_rate=1e-2, warm_up=4)
    learned = distil(settings, FilterTeacher(CPU), photographs, tmp_path / "first.pt", device=CPU, report=first.append)
    for head in (learned.fine_head, learned.coarse_head):
        head.weight.data = head.weight.data.flip(0)
        head.bias.data = head.bias.data.flip(0) + 1
    again: list[DistillationProgress] = []
    distil(
        replace(settings, steps=1, learning_rate=1e-9),
        FilterTeacher(CPU),
        photographs,
        tmp_path / "again.pt",
        device=CPU,
        report=again.append,
        begin_with=learned,
    )
    assert again[0].r2_fine > first[0].r2_fine - 0.05
    assert again[0].r2_coarse > first[0].r2_coarse - 0.05


def test_the_same_seed_gives_the_same_decoder_even_when_interrupted_with_a_mean_half_made(tmp_path: Path):
    student, _ = tiny_networks()
    settings = replace(DECODE, steps=4)

    class Interrupted(Exception):
        pass

    def stop(progress: DecodingProgress) -> None:
        if progress.step == 3:
            raise Interrupted

    whole = train_decoder(settings, student, (), tmp_path / "whole.pt", device=CPU, report=lambda progress: None)
    with pytest.raises(Interrupted):
        train_decoder(settings, student, (), tmp_path / "half.pt", device=CPU, report=stop)
    resumed = train_decoder(settings, student, (), tmp_path / "half.pt", device=CPU, report=lambda progress: None)
    assert all(torch.equal(value, resumed.state_dict()[name]) for name, value in whole.state_dict().items())


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=NEEDS_CUDA)])
def test_a_decoder_that_comes_out_is_the_mean_of_what_the_later_steps_left(device: str, tmp_path: Path):
    student, _ = tiny_networks()
    checkpoint = tmp_path / "run.pt"
    left: list[dict[str, torch.Tensor]] = []

    def keep(progress: DecodingProgress) -> None:
        left.append(torch.load(checkpoint, weights_only=True)["decoder"])

    settings = replace(DECODE, steps=4, averaged_from=0.5, learning_rate=1e-2)
    trained = train_decoder(settings, student, (), checkpoint, device=torch.device(device), report=keep)
    for name, value in trained.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(value, (left[2][name] + left[3][name]) / 2)
    assert not torch.equal(left[2]["last.1.weight"], left[3]["last.1.weight"])


def test_parts_drawn_by_other_processes_are_the_same_and_come_in_order():
    def drawn(step: int) -> list[int]:
        return np.random.default_rng(step).integers(1000, size=3).tolist()

    alone = list(drawn_ahead(drawn, range(3, 9), workers=0))
    assert alone == list(drawn_ahead(drawn, range(3, 9), workers=2)) == [drawn(step) for step in range(3, 9)]


def test_lessons_are_prepared_in_order_and_ahead_of_the_one_that_is_learned():
    second = threading.Event()

    def prepare(step: int) -> int:
        if step == 1:
            second.set()
        if step == 5:
            raise ShapeError("the fifth cannot be prepared")
        return 10 * step

    prepared = prepared_ahead(prepare, range(6))
    assert next(prepared) == 0
    assert second.wait(10)
    assert [next(prepared) for _ in range(4)] == [10, 20, 30, 40]
    with pytest.raises(ShapeError, match="the fifth"):
        next(prepared)


def test_a_decoder_with_a_context_goes_on_from_one_without(tmp_path: Path):
    student, _ = tiny_networks()
    plain = new_decoder(DECODER.model_copy(update={"context": None}), STUDENT)
    slow = replace(DECODE, steps=1, learning_rate=1e-9)
    gone_on = train_decoder(
        slow, student, (), tmp_path / "run.pt", device=CPU, report=lambda progress: None, begin_with=plain
    )
    assert torch.allclose(gone_on.fine_in.weight, plain.fine_in.weight, atol=1e-6)
    narrow = new_decoder(DECODER.model_copy(update={"projected": 2}), STUDENT)
    with pytest.raises(RuntimeError, match="size mismatch"):
        train_decoder(slow, student, (), tmp_path / "no.pt", device=CPU, report=print, begin_with=narrow)


@pytest.mark.slow
def test_a_short_training_tells_defects_on_families_that_it_never_saw(tmp_path: Path):
    student, _ = tiny_networks()

    def cells(steps: int, learning_rate: float) -> float:
        seen: list[DecodingProgress] = []
        settings = replace(
            DECODE,
            steps=steps,
            plan=DecodingSettings.plan,
            check_every=steps,
            warm_up=5,
            learning_rate=learning_rate,
            held_out_episodes=6,
        )
        train_decoder(settings, student, (), tmp_path / f"{steps}.pt", device=CPU, report=seen.append)
        return seen[-1].with_memory.cells

    # Forty steps of a tiny decoder, seeds 0, 1 and 2: from .43 to .61, from .53 to .69, from .53 to .70.
    assert cells(40, 1e-2) > cells(1, 1e-9) + 0.1


def test_small_defects_weigh_as_much_as_large_ones():
    def loss(side: int) -> float:
        shares = torch.zeros(1, 32, 32)
        shares[0, :side, :side] = 1.0
        return float(
            decoding_loss(torch.zeros(1, 32, 32), shares, [1]) - decoding_loss(torch.zeros(1, 32, 32), shares * 0, [1])
        )

    # Cells of a square of 16 x 16 are 16 times those of one of 4 x 4; by their weights they cost four times as much.
    assert loss(16) < 6 * loss(4)


def test_training_leaves_weights_a_card_with_their_hash_and_curves(tmp_path: Path):
    trained = train_embedded(
        BOTH, tmp_path, teacher_file=None, photos=None, device="cpu", threads=1, report=lambda progress: None
    )
    card = (tmp_path / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert trained.sha256 in card
    assert "none (fixed filters)" in card
    assert all(family in card for family in FAMILIES if family != PHOTOGRAPH)
    assert (tmp_path / "curves" / "distillation.csv").read_text(encoding="utf-8").count("\n") == 3
    assert "<svg" in (tmp_path / "curves" / "decoding.html").read_text(encoding="utf-8")


def test_training_goes_on_from_an_earlier_file_and_keeps_its_student_without_distillation(tmp_path: Path):
    train = partial(train_embedded, teacher_file=None, photos=None, device="cpu", threads=1, report=lambda _: None)
    first = train(BOTH, tmp_path / "first")
    only_decoder = replace(BOTH, distillation=replace(DISTIL, steps=0))
    second = train(only_decoder, tmp_path / "second", begin_with=first.weights)
    assert second.sha256 != first.sha256
    assert student_sha256(second.weights) == student_sha256(first.weights)
    card = (tmp_path / "second" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "--begin-with FILE" in card
    assert first.sha256 in card
    with pytest.raises(ConfigurationError, match="no steps of distillation and no weights to begin with"):
        train(only_decoder, tmp_path / "third")
    wider = replace(BOTH, decoding=replace(DECODE, decoder=DECODER.model_copy(update={"last": 5})))
    with pytest.raises(ConfigurationError, match="its networks have other widths or depths"):
        train(wider, tmp_path / "fourth", begin_with=first.weights)


def test_a_decoder_to_begin_with_keeps_its_context_where_a_training_asks_for_none(tmp_path: Path):
    train = partial(train_embedded, teacher_file=None, photos=None, device="cpu", threads=1, report=lambda _: None)
    plain = replace(BOTH, decoding=replace(DECODE, decoder=DECODER.model_copy(update={"context": None})))
    without = train(plain, tmp_path / "without")
    assert read_networks(without.weights)[2].context is None
    going_on = replace(BOTH, distillation=replace(DISTIL, steps=0))
    given = train(going_on, tmp_path / "given", begin_with=without.weights)
    assert read_networks(given.weights)[2] == DECODER
    kept = train(replace(plain, distillation=going_on.distillation), tmp_path / "kept", begin_with=given.weights)
    assert read_networks(kept.weights)[2] == DECODER


def test_episodes_are_functions_of_their_seed_and_hide_nothing_in_good_parts():
    families = training_families(())
    first, second = (draw_episode(1, 2, side_px=64, photographs=(), families=families) for _ in range(2))
    assert np.array_equal(first.queries, second.queries)
    assert not first.masks[:2].any()
    assert first.masks[2:].any()
    assert not set(families) & set(HELD_OUT_FAMILIES)
    assert PHOTOGRAPH not in families


def test_only_lines_with_references_are_weathered_since_only_those_say_what_is_allowed():
    draw = partial(draw_episode, 1, 2, side_px=64, photographs=(), families=training_families(()))
    clean, weathered = (replace(CURRICULUM[-1], weathered=share) for share in (0.0, 1.0))
    alone = [draw(references=0, stage=stage) for stage in (clean, weathered)]
    assert np.array_equal(alone[0].queries, alone[1].queries)
    known = [draw(references=4, stage=stage) for stage in (clean, weathered)]
    for pictures, others in zip(*((each.references, each.queries) for each in known), strict=True):
        assert not any(np.array_equal(*pair) for pair in zip(pictures, others, strict=True))
    assert np.array_equal(known[1].queries, draw(references=4, stage=weathered).queries)


def test_stained_parts_are_covered_much_further_than_others():
    draw = partial(draw_episode, side_px=64, photographs=(), families=training_families(()))

    def usual_share(stained: float) -> float:
        stage = replace(CURRICULUM[0], stained=stained)
        masks = np.concatenate([draw(3, number, stage=stage).masks for number in range(10)])
        return float(np.median([mask.mean() for mask in masks if mask.any()]))

    assert usual_share(1.0) > 4 * usual_share(0.0)


def test_a_cells_share_is_how_much_of_it_is_defective():
    mask = np.zeros((1, 8, 8), np.bool_)
    mask[0, 0:4, 0:2] = True
    assert share_masks(mask, 4).tolist() == [[[0.5, 0.0], [0.0, 0.0]]]
