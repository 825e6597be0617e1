"""Training of SPGDD-GPT's words: the recipe's network, variants of the loss, and the folder that comes out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import torch

from models.backbones.placement import place_of
from models.backbones.weights_file import file_sha256, parameters_sha256
from models.recipes.recipe import read_recipe
from models.recipes.samllava_recipe import SamLlavaRecipe
from models.recipes.spgdd_recipe import SpgddRecipe
from models.recipes.token_eye import token_eye
from models.text.learned_context import pack_context
from models.train.curves import Curves
from models.train.prompt_stage import PromptProgress, PromptRun, PromptStageSettings, train_prompts
from models.train.segmentation_samples import SampleSource
from wire.errors import ConfigurationError

WORDS, REPORT, CURVES = "words.safetensors", "REPORT.md", "curves"
_FULL: Final = "full"
# Each literal reading of the paper, and each term left out, beside the full loss.
ABLATIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "Eq. 4 as printed": {"signed": False, "pixels": 0.0},
    "Eq. 5 as printed": {"literal_separation": True},
    "no separation": {"separation": 0.0},
    "no TDDF": {"tddf": 0.0},
    "no pixel loss": {"pixels": 0.0},
}


@dataclass(frozen=True, kw_only=True)
class WordFigures:
    """AUROC of held-out patches by delta, and |e_n - e_a|, before and after; ``file``: the words."""

    name: str
    file: str
    untrained: float
    trained: float
    apart_before: float
    apart: float


@dataclass(frozen=True, kw_only=True)
class TrainedWords:
    """The weights file and its hash; ``network_sha256``: of everything that was not trained, before and after."""

    file: Path
    sha256: str
    figures: tuple[WordFigures, ...]
    network_sha256: str


def train_words(
    settings: PromptStageSettings,
    samples: SampleSource,
    folder: Path,
    *,
    recipe: str,
    changes: Mapping[str, str],
    ablations: Mapping[str, Mapping[str, Any]],
    device: str,
    threads: int,
    report: Callable[[str, PromptProgress], None],
) -> TrainedWords:
    """Train for a recipe's network into ``folder``, going on where an earlier run with the same settings stopped.

    ``ablations``: variants of the loss that are trained beside it, each into a file of its own. ConfigurationError if
    the recipe is of no kind that compares pictures with words, its backbone knows none, or another run began there.
    """
    numbers = read_recipe(recipe, changes)
    if not isinstance(numbers, SpgddRecipe | SamLlavaRecipe):
        raise ConfigurationError([f"--recipe {recipe}: is of kind {numbers.kind}, expected spgdd or samllava"])
    place = place_of(device)
    torch.set_num_threads(threads)
    eye = token_eye(recipe, numbers.backbone, place)
    if eye.clip is None or eye.backbone.text_layer is None:
        raise ConfigurationError([f"backbone {numbers.backbone.name}: knows no words, so there are none to learn"])
    # The contrast of samllava has no numbers of its own to learn by: its words are learned as those of spgdd.
    tddf = (numbers if isinstance(numbers, SpgddRecipe) else _shipped()).tddf
    folder.mkdir(parents=True, exist_ok=True)
    frozen = parameters_sha256(eye.clip)
    variants = {_FULL: settings, **{name: replace(settings, **change) for name, change in ablations.items()}}
    figures: list[WordFigures] = []
    for name, own in variants.items():
        run = PromptRun(own, clip=eye.clip, backbone=eye.backbone, tddf=tddf, samples=samples, device=place)
        figures.append(_train(name, run, folder, report))
        (folder / figures[-1].file).write_bytes(pack_context(run.context))
    file = folder / WORDS
    sha256 = file_sha256(file)
    trained = TrainedWords(file=file, sha256=sha256, figures=tuple(figures), network_sha256=frozen)
    (folder / REPORT).write_text(_report(settings, trained, numbers.backbone.name), encoding="utf-8")
    return trained


def _shipped() -> SpgddRecipe:
    numbers = read_recipe("spgdd")
    if not isinstance(numbers, SpgddRecipe):
        raise TypeError(f"the shipped recipe spgdd is of kind {numbers.kind}")
    return numbers


def _train(name: str, run: PromptRun, folder: Path, report: Callable[[str, PromptProgress], None]) -> WordFigures:
    slug = name.replace(" ", "-").replace(".", "")
    untrained, before = run.measure()
    curves = Curves(folder / CURVES / slug)

    def note(progress: PromptProgress) -> None:
        curves.add(progress)
        report(name, progress)

    train_prompts(run, folder / f"{slug}.pt", report=note)
    trained, apart = run.measure()
    return WordFigures(
        name=name,
        file=WORDS if name == _FULL else f"{slug}.safetensors",
        untrained=untrained,
        trained=trained,
        apart_before=before,
        apart=apart,
    )


def _report(settings: PromptStageSettings, trained: TrainedWords, backbone: str) -> str:
    full = trained.figures[0]
    rows = "\n".join(
        f"| {each.name} | {each.untrained:.3f} | {each.trained:.3f} | {each.trained - full.trained:+.3f} "
        f"| {each.apart_before:.3f} | {each.apart:.3f} | `{each.file}` |"
        for each in trained.figures
    )
    return f"""# SPGDD-GPT's words

File `{WORDS}`, sha256 `{trained.sha256}`: four words of context, four abnormal words, for the text tower of {backbone}.
{settings.steps} steps of {settings.batch} pictures, Adam from {settings.learning_rate:g}, seed {settings.seed}.

Patches of {settings.held_out} held-out pictures by delta = d_n - d_a, and how far the two texts lie apart:

| loss | AUROC untrained | trained | against full | texts apart before | after | words |
|---|---|---|---|---|---|---|
{rows}

Everything else was frozen: sha256 `{trained.network_sha256}` of all parameters of the network, before and after.
"""
