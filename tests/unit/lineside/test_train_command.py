import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from models.synth.line import draw_line
from models.synth.mvtec_folder import DataSetSize, write_line
from tests.unit.models.tiny_networks import QUICK, written_recipe

SHIPPED = Path("models/recipes/embedded/weights.safetensors")
Run = Callable[..., tuple[int, str, str]]
SAMLLAVA = ("--sam", "tiny", "--steps", "2", "--batch", "2", "--side-px", "64")
SPGDD = ("--backbone", "tiny-clip", "--steps", "2", "--batch", "2", "--side-px", "64")


@pytest.fixture
def marked(tmp_path: Path) -> Path:
    """A labelled set with masks."""
    root = tmp_path / "set"
    list(write_line(root, draw_line(0, family="brushed", height=64, width=64), DataSetSize(normals=2, defects=5)))
    return root


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_recipe_is_trained_by_its_name_on_drawn_lines_or_on_labelled_images(
    run: Run, tmp_path: Path, marked: Path
) -> None:
    code, out, err = run("train", "--recipe", "samllava", "--data", marked, *SAMLLAVA, "--out", tmp_path / "sam")
    assert code == 0, err
    assert "full 2: loss" in out
    assert f"--set sam.size=tiny --set sam.seed=0 --set sam.trained={tmp_path}/sam/segmenter.safetensors" in out
    code, out, err = run(
        "train", "--recipe=spgdd", "--data", "procedural", *SPGDD, "--out", tmp_path / "words", "--metrics-port", "0"
    )
    assert code == 0, err
    assert "metrics: http://127.0.0.1:" in out
    assert f"--set text.learned.weights={tmp_path}/words/words.safetensors" in out
    assert (tmp_path / "words" / "REPORT.md").is_file()

    # What is in that folder already was learned with other settings: nothing is mixed.
    code, _, err = run("train", "samllava", "--data", marked, *SAMLLAVA, "--seed", "1", "--out", tmp_path / "sam")
    assert code == 2
    assert "full.pt: a run with seed 0, this one has 1; another --out begins anew" in err
    code, _, err = run("train", "spgdd", *SPGDD, "--learning-rate", "0.5", "--out", tmp_path / "words")
    assert code == 2
    assert "full.pt: a run with learning_rate 0.001, this one has 0.5" in err


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_shipped_weights_can_be_trained_on_and_a_folder_keeps_to_its_run(run: Run, tmp_path: Path) -> None:
    before = SHIPPED.read_bytes()
    command = (
        *("train", "embedded", "--begin-with", SHIPPED, "--distillation-steps", "0", "--decoding-steps", "1"),
        *("--workers", "0", "--out", tmp_path / "out"),
    )
    code, out, err = run(*command)
    assert code == 0, err
    assert "1 decoding 1: loss" in out
    made = hashlib.sha256((tmp_path / "out" / "weights.safetensors").read_bytes()).hexdigest()
    assert f"sha256:  {made}" in out
    assert SHIPPED.read_bytes() == before
    # What is printed is what was asked for, and every option that changes the file is in it.
    card = (tmp_path / "out" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert (
        "3. `lineside train embedded --begin-with FILE --distillation-steps 0 --decoding-steps 1 --decoding-batch 1 "
        "--curriculum-stage 2 --seed 0 --threads 1 --device cpu`"
    ) in card
    assert f"sha256 `{hashlib.sha256(before).hexdigest()}`" in card
    # What ships names its own two trainings, and they are carried on.
    assert "1. `lineside train embedded --teacher FILE --photos DIR --distillation-steps 6000" in card
    assert "2. `lineside train embedded --photos DIR --begin-with FILE --distillation-steps 0" in card
    assert "Photographs: 50 (" in card

    # The run has ended, so the same command only writes its file again.
    code, out, err = run(*command)
    assert code == 0, err
    assert f"sha256:  {made}" in out
    code, _, err = run(*command, "--seed", "1")
    assert code == 2
    assert "decoding.pt: a run with seed 0, this one has 1; another --out begins anew" in err


@pytest.mark.slow
def test_kinds_are_learned_for_the_network_of_a_recipe(run: Run, tmp_path: Path) -> None:
    code, out, err = run(
        *("train", "kinds", "--recipe", written_recipe(tmp_path, **QUICK), "--lines", "4"),
        *("--held-out-lines", "12", "--steps", "5", "--out", tmp_path / "kinds"),
    )
    assert code == 0, err
    made = hashlib.sha256((tmp_path / "kinds" / "kinds.safetensors").read_bytes()).hexdigest()
    assert f"weights: {tmp_path}/kinds/kinds.safetensors\nsha256:  {made}\n" in out
    assert "accuracy: " in out
    card = (tmp_path / "kinds" / "KINDS.md").read_text(encoding="utf-8")
    assert made in card
    assert "--lines 4\n--held-out-lines 12 --steps 5 --seed 0 --threads 1\n--device cpu`" in card


@pytest.mark.slow
def test_kinds_in_depth_are_a_file_and_a_card_of_their_own(run: Run, tmp_path: Path) -> None:
    code, out, err = run(
        *("train", "kinds", "--depth", "--recipe", written_recipe(tmp_path, **QUICK), "--lines", "4"),
        *("--held-out-lines", "12", "--steps", "5", "--out", tmp_path / "kinds"),
    )
    assert code == 0, err
    made = hashlib.sha256((tmp_path / "kinds" / "kinds_on_depth.safetensors").read_bytes()).hexdigest()
    assert f"weights: {tmp_path}/kinds/kinds_on_depth.safetensors\nsha256:  {made}\n" in out
    card = (tmp_path / "kinds" / "KINDS_ON_DEPTH.md").read_text(encoding="utf-8")
    assert "File `kinds_on_depth.safetensors`, " in card
    assert "--depth --lines 4" in card


def test_mistakes_are_told_before_anything_is_drawn(run: Run, tmp_path: Path) -> None:
    for arguments, reason in (
        (["--recipe", "nothing"], "No such command 'nothing'"),
        (["samllava", "--sam", "vit_x"], "--sam: 'vit_x' is none of vit_b"),
        (["samllava"], "--weights FILE is missing: the checkpoint of SAM mobile"),
        (["samllava", *SAMLLAVA, "--data", tmp_path / "absent"], "is not a folder"),
        (["spgdd"], "--weights FILE is missing"),
        (["spgdd", *SPGDD, "--set", "memory.mach=nearest"], "memory.mach"),
        (["embedded", "--distillation-steps", "0", "--out", tmp_path], "no weights to begin with"),
        (["kinds", "--recipe", "filter_bank"], "has no network"),
        (["kinds", "--depth", "--photos", tmp_path], "a photograph has no depth"),
    ):
        code, _, err = run("train", *arguments)
        assert code == 2
        assert reason in err, (arguments, err)
