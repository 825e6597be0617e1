"""From a recipe's name to a working inspector."""

import torch

from models.backbones.filter_bank import FilterBank
from models.recipes.embedded_inspector import EmbeddedInspector
from models.recipes.picture_detector import PictureDetector
from models.recipes.recipe import digest_of, read_recipe
from wire.errors import ConfigurationError
from wire.inspector import Inspector


def load_inspector(recipe: str, *, device: str = "cpu", threads: int | None = None) -> Inspector:
    """Build the inspector of a shipped recipe (``embedded``) or of a YAML file.

    ``threads`` limits torch in the whole process, None = as it is. ConfigurationError if the recipe or the device is
    not there.
    """
    settings = read_recipe(recipe)
    try:
        place = torch.device(device)
        torch.empty(1, device=place)
    except (RuntimeError, AssertionError) as error:
        raise ConfigurationError([f"device {device!r}: {error}"]) from error
    if threads is not None:
        torch.set_num_threads(threads)
    image_filters = FilterBank(settings.image_filters)
    depth_filters = FilterBank(settings.depth_filters)
    weights = {
        "image_filters": image_filters.kernels.numpy().tobytes(),
        "depth_filters": depth_filters.kernels.numpy().tobytes(),
    }
    return EmbeddedInspector(
        recipe=settings,
        digest=digest_of(settings, weights),
        images=PictureDetector(
            filters=image_filters,
            memory=settings.image_memory,
            zero_shot=settings.zero_shot,
            batch_pixels=settings.batch_pixels,
            device=place,
        ),
        depths=PictureDetector(
            filters=depth_filters,
            memory=settings.depth_memory,
            zero_shot=settings.zero_shot,
            batch_pixels=settings.batch_pixels,
            device=place,
        ),
    )
