"""What weights are made of, told by their header and their card; and that a folder never mixes two runs."""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import pytest

from models.backbones.weights_file import file_sha256
from models.recipes.network_weights import pack_networks, student_sha256
from models.synth.line import draw_line, draw_part
from models.train.curriculum import CURRICULUM
from models.train.embedded import TrainingSettings, train_embedded
from models.train.embedded_trainings import (
    DECODING_RUNS,
    DecodingRun,
    decoding_runs,
    embedded_trainings,
    train_in_turn,
)
from models.train.ingredients import StageRun, Training, told_trainings
from models.train.model_card import model_card
from tests.unit.models.tiny_networks import DECODER, tiny_networks
from tests.unit.models.train.test_targets import keras_weights
from tests.unit.models.train.tiny_trainings import BOTH, DECODE, DISTIL
from wire.errors import ConfigurationError

ONLY_DECODER = replace(BOTH, distillation=replace(DISTIL, steps=0), decoding=replace(DECODE, steps=1, seed=1))
train = partial(train_embedded, device="cpu", threads=1, report=lambda progress: None)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for name, seed in (("b.png", 1), ("a.png", 2)):
        part = draw_part(draw_line(seed, family="concrete", height=300, width=300), 0).rgb_u8
        cv2.imwrite(str(folder / name), part)
    return folder


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training without teacher and photographs."""
    folder = tmp_path_factory.mktemp("plain")
    train(BOTH, folder, teacher_file=None, photos=None)
    return folder


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_networks(plain: Path, tmp_path: Path):
    again = train(BOTH, tmp_path / "again", teacher_file=None, photos=None)
    assert again.weights.read_bytes() == (plain / "weights.safetensors").read_bytes()
    assert again.sha256 == file_sha256(again.weights)
    other = replace(BOTH, distillation=replace(DISTIL, seed=1), decoding=replace(DECODE, seed=1))
    others = train(other, tmp_path / "other", teacher_file=None, photos=None)
    assert student_sha256(others.weights) != student_sha256(again.weights)


def _with(**of_decoding: object) -> TrainingSettings:
    return replace(BOTH, decoding=replace(DECODE, **of_decoding))


@pytest.mark.parametrize(
    ("settings", "refusal"),
    [
        (replace(BOTH, distillation=replace(DISTIL, seed=1)), "distillation.pt: a run with seed 0, this one has 1; "),
        (replace(BOTH, distillation=replace(DISTIL, learning_rate=1e-3)), "a run with learning_rate 0.002, this one"),
        (_with(seed=1), "decoding.pt: a run with seed 0, this one has 1; another --out begins anew"),
        (_with(batch=2), "decoding.pt: a run with batch 1, this one has 2"),
        (_with(learning_rate=1e-3), "decoding.pt: a run with learning_rate 0.002, this one has 0.001"),
    ],
)
def test_a_run_with_other_settings_does_not_go_on_where_another_stopped(
    plain: Path, settings: TrainingSettings, refusal: str
):
    before = (plain / "weights.safetensors").read_bytes()
    with pytest.raises(ConfigurationError) as refused:
        train(settings, plain, teacher_file=None, photos=None)
    assert refusal in str(refused.value)
    assert (plain / "weights.safetensors").read_bytes() == before


def test_nor_does_one_with_other_files(plain: Path, photos: Path, tmp_path: Path):
    teacher = keras_weights(tmp_path)
    networks = tmp_path / "networks.safetensors"
    networks.write_bytes(pack_networks(*tiny_networks(), DECODER, {}))
    refused: list[tuple[Callable[[], object], str]] = [
        (lambda: train(BOTH, plain, teacher_file=teacher, photos=None),
         f"a run with teacher none (fixed filters), this one has {file_sha256(teacher)}"),
        (lambda: train(BOTH, plain, teacher_file=None, photos=photos), "a run with photographs"),
        (lambda: train(BOTH, plain, teacher_file=None, photos=None, begin_with=networks),
         "distillation.pt: a run with begin_with none"),
        (lambda: train(replace(ONLY_DECODER, decoding=DECODE), plain, teacher_file=None, photos=None,
                       begin_with=networks), "decoding.pt: a run with student"),
    ]  # fmt: skip
    for call, reason in refused:
        with pytest.raises(ConfigurationError) as error:
            call()
        assert reason in str(error.value)


def test_what_only_tells_of_a_run_or_hastens_it_may_change(plain: Path, tmp_path: Path):
    shutil.copytree(plain, tmp_path / "run")
    told_less = replace(
        BOTH,
        distillation=replace(DISTIL, check_every=4, held_out_steps=1),
        decoding=replace(DECODE, check_every=2, held_out_episodes=1, workers=1),
    )
    again = train(told_less, tmp_path / "run", teacher_file=None, photos=None)
    assert again.sha256 == file_sha256(plain / "weights.safetensors")


def test_trainings_in_turn_are_the_same_commands_one_after_the_other_and_the_card_names_all_that_went_in(
    photos: Path, tmp_path: Path
):
    teacher = keras_weights(tmp_path)
    first = train(BOTH, tmp_path / "first", teacher_file=teacher, photos=photos)
    second = train(ONLY_DECODER, tmp_path / "second", teacher_file=None, photos=None, begin_with=first.weights)

    one, two = told_trainings(second.weights)
    assert told_trainings(first.weights) == (one,)
    # What `sha256sum a.png b.png | sha256sum` prints.
    lines = "".join(f"{hashlib.sha256((photos / n).read_bytes()).hexdigest()}  {n}\n" for n in ("a.png", "b.png"))
    assert one.photographs is not None
    assert one.photographs.sha256 == hashlib.sha256(lines.encode()).hexdigest()
    assert (two.teacher, two.photographs, two.distillation, two.begun_with) == (None, None, None, first.sha256)

    card = (tmp_path / "second" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert f"MobileNet v1 (teacher.safetensors), sha256 `{file_sha256(teacher)}`" in card
    assert (
        f"- Photographs: 2 (`sha256sum` of them, in order, has sha256 `{one.photographs.sha256}`): a.png, b.png.\n"
        in card
    )
    assert (
        "1. `lineside train embedded --teacher FILE --photos DIR --distillation-steps 4 --decoding-steps 2 "
        "--decoding-batch 1 --curriculum-stage 2 --seed 0 --threads 1 --device cpu` (lineside "
    ) in card
    assert (
        "2. `lineside train embedded --begin-with FILE --distillation-steps 0 --decoding-steps 1 --decoding-batch 1 "
        "--curriculum-stage 2 --seed 1 --threads 1 --device cpu` (lineside "
    ) in card
    assert f"FILE of `--begin-with` has sha256 `{first.sha256}`" in card
    assert "pictures of 64 to 96 px" in card

    seen: list[tuple[int, str]] = []
    chained = train_in_turn(
        (BOTH, ONLY_DECODER), tmp_path / "chained", teacher_file=teacher, photos=photos, begin_with=None, device="cpu",
        threads=1, report=lambda number, progress: seen.append((number, progress.stage)),
    )  # fmt: skip
    assert file_sha256(tmp_path / "chained" / "1" / "weights.safetensors") == first.sha256
    assert chained.weights == tmp_path / "chained" / "weights.safetensors"
    assert file_sha256(chained.weights) == chained.sha256
    assert seen == [(1, "distillation")] * 2 + [(1, "decoding")] * 2 + [(2, "decoding")]


def _gone_on_from(sha256: str, teacher: str | None) -> str:
    training = Training(
        lineside="1.0", seed=0, threads=1, device="cpu", families=("brushed",), teacher=None, photographs=None,
        distillation=None, decoding=StageRun(steps=1, learning_rate=1e-3, sides_px=(128, 384)),
        begun_with=sha256, begun_teacher=teacher,
    )  # fmt: skip
    return model_card("0" * 64, 1, (training,), {})


def test_the_card_says_what_it_does_not_know_of_its_beginning():
    strange = _gone_on_from("1" * 64, "MobileNet v1 (file)")
    assert (
        f"went on from, sha256 `{'1' * 64}`. Its header tells nothing of it but its teacher, MobileNet v1 (file)"
        in strange
    )
    assert "Its header tells nothing of it: ask" in _gone_on_from("1" * 64, None)


def test_a_file_without_ingredients_is_gone_on_from_by_its_hash(tmp_path: Path):
    networks = tmp_path / "networks.safetensors"
    networks.write_bytes(pack_networks(*tiny_networks(), DECODER, {"teacher": "somebody"}))
    with pytest.raises(ConfigurationError, match="with no steps of distillation nobody learns from it"):
        train(ONLY_DECODER, tmp_path / "no", teacher_file=keras_weights(tmp_path), photos=None, begin_with=networks)
    made = train(ONLY_DECODER, tmp_path / "out", teacher_file=None, photos=None, begin_with=networks)
    (told,) = told_trainings(made.weights)
    assert (told.begun_with, told.begun_teacher) == (file_sha256(networks), "somebody")
    networks.write_bytes(pack_networks(*tiny_networks(), DECODER, {"trainings": "[{}]"}))
    with pytest.raises(ConfigurationError, match="what its header tells of its trainings"):
        train(ONLY_DECODER, tmp_path / "out", teacher_file=None, photos=None, begin_with=networks)


def test_only_the_first_training_distils_and_the_next_learns_more_slowly():
    trainings = embedded_trainings(seed=5, distillation_steps=6000)
    assert [each.distillation.steps for each in trainings] == [6000, 0]
    assert [(each.decoding.steps, each.decoding.batch) for each in trainings] == [(1900, 1), (4000, 2)]
    assert [each.decoding.averaged_from for each in trainings] == [0.25, 0.65]
    assert [each.decoding.seed for each in trainings] == [5, 6]
    assert [each.decoding.learning_rate for each in trainings] == [2e-3, 1e-3]
    (one,) = embedded_trainings(seed=0, distillation_steps=0, decoding=[DecodingRun(steps=7)], going_on=True)
    assert (one.decoding.steps, one.decoding.learning_rate) == (7, 1e-3)


def test_the_decoder_learns_without_a_context_first():
    trainings = embedded_trainings(seed=0, distillation_steps=1)
    assert [each.decoding.decoder.context is not None for each in trainings] == [False, True]
    assert [each.decoding.shown for each in trainings] == list(CURRICULUM)


def test_one_of_the_trainings_can_be_had_alone():
    assert decoding_runs(steps=None, batch=None, curriculum_stage=None) == DECODING_RUNS
    assert decoding_runs(steps=None, batch=None, curriculum_stage=2) == (DecodingRun(steps=4000, batch=2),)
    assert decoding_runs(steps=7, batch=2, curriculum_stage=1) == (DecodingRun(steps=7, batch=2, curriculum_stage=1),)
    assert decoding_runs(steps=7, batch=None, curriculum_stage=None) == (DecodingRun(steps=7),)


@pytest.mark.parametrize(("stage", "averaged_from"), [(None, 0.65), (1, 0.25), (2, 0.65)])
def test_a_stage_says_over_which_steps_weights_are_averaged(stage: int | None, averaged_from: float):
    """A card's command names steps and stage: the same training has to come of them as of steps alone."""
    (run,) = decoding_runs(steps=7, batch=None, curriculum_stage=stage)
    (training,) = embedded_trainings(seed=0, distillation_steps=0, decoding=[run], going_on=True)
    assert training.decoding.averaged_from == averaged_from
