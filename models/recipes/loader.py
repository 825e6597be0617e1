"""From a recipe's name to a working inspector."""

from collections.abc import Mapping
from functools import partial

import torch

from models.backbones.filter_bank import FilterBank
from models.backbones.geometry import depth_planes
from models.backbones.placement import place_of
from models.recipes.embedded_recipe import EmbeddedRecipe
from models.recipes.embedded_sight import embedded_sight
from models.recipes.filter_detector import FilterDetector
from models.recipes.part_inspector import PartInspector
from models.recipes.recipe import digest_of, read_recipe
from models.recipes.samllava_recipe import SamLlavaRecipe
from models.recipes.samllava_sight import samllava_sight
from models.recipes.senses import Senses
from models.recipes.sight import DepthSight, Sight
from models.recipes.spgdd_recipe import SpgddRecipe
from models.recipes.spgdd_sight import spgdd_sight
from wire.errors import ConfigurationError
from wire.inspector import Inspector


def load_inspector(
    recipe: str, *, device: str = "cpu", threads: int | None = None, changes: Mapping[str, str] | None = None
) -> Inspector:
    """Build the inspector of a shipped recipe (``embedded``) or of a YAML file.

    ``threads`` limits torch in the whole process, None = as it is; ``changes`` as in ``read_recipe``.
    ConfigurationError if the recipe, its weights or the device is not there.
    """
    settings = read_recipe(recipe, changes)
    place = place_of(device)
    if threads is not None:
        torch.set_num_threads(threads)
    sight = _sight(recipe, settings, place)
    depth = sight.depth or filter_depth(recipe, settings, place)
    return PartInspector(
        recipe=settings,
        digest=digest_of(settings, dict(sight.weights)),
        sight=sight,
        depths=depth.detector,
        depth_planes=depth.planes,
        kinds_on_depth=depth.kinds,
    )


def filter_depth(recipe: str, settings: Senses, place: torch.device) -> DepthSight:
    """Depth by the fixed filters that a recipe names. ConfigurationError if it names none."""
    if settings.depth_filters is None or settings.depth_memory is None:
        raise ConfigurationError([f"recipe {recipe!r}: depth_filters and depth_memory are missing"])
    return DepthSight(
        detector=FilterDetector(
            filters=FilterBank(settings.depth_filters),
            memory=settings.depth_memory,
            zero_shot=settings.zero_shot,
            batch_pixels=settings.batch_pixels,
            device=place,
        ),
        planes=partial(depth_planes, settings=settings.geometry, max_pixels=settings.max_pixels),
    )


def _sight(recipe: str, settings: Senses, place: torch.device) -> Sight:
    """One builder per kind of recipe."""
    if isinstance(settings, EmbeddedRecipe):
        return embedded_sight(recipe, settings, place)
    if isinstance(settings, SpgddRecipe):
        return spgdd_sight(recipe, settings, place)
    if isinstance(settings, SamLlavaRecipe):
        return samllava_sight(recipe, settings, place)
    raise TypeError(f"no builder for recipes of kind {settings.kind}")
