"""From a recipe's name to a working inspector."""

from functools import partial

import torch

from models.backbones.filter_bank import FilterBank
from models.backbones.geometry import depth_planes
from models.backbones.placement import place_of
from models.backbones.planes import opponent_planes, rgb_planes
from models.recipes.embedded_inspector import EmbeddedInspector
from models.recipes.filter_detector import FilterDetector
from models.recipes.network_detector import NetworkDetector
from models.recipes.network_weights import load_networks
from models.recipes.picture_detector import PictureDetector
from models.recipes.recipe import digest_of, read_recipe, weights_file
from models.recipes.two_scale_detector import TwoScaleDetector
from wire.inspector import Inspector


def load_inspector(recipe: str, *, device: str = "cpu", threads: int | None = None) -> Inspector:
    """Build the inspector of a shipped recipe (``embedded``) or of a YAML file.

    ``threads`` limits torch in the whole process, None = as it is. ConfigurationError if the recipe or the device is
    not there.
    """
    settings = read_recipe(recipe)
    place = place_of(device)
    if threads is not None:
        torch.set_num_threads(threads)
    image_filters = FilterBank(settings.image_filters)
    depth_filters = FilterBank(settings.depth_filters)
    parts = {
        "image_filters": image_filters.kernels.numpy().tobytes(),
        "depth_filters": depth_filters.kernels.numpy().tobytes(),
    }
    images: PictureDetector
    if settings.network is not None:
        network = settings.network
        student, decoder = load_networks(weights_file(recipe, network), network.sha256, place)
        parts["network"] = network.sha256.encode()
        images = TwoScaleDetector(
            NetworkDetector(
                student=student, decoder=decoder, settings=network, batch_pixels=settings.batch_pixels, device=place
            ),
            far_above_pixels=network.far_above_pixels,
            far_pixels=network.far_pixels,
        )
        image_planes = partial(rgb_planes, least_pixels=network.least_pixels, max_pixels=settings.max_pixels)
    else:
        images = FilterDetector(
            filters=image_filters,
            memory=settings.image_memory,
            zero_shot=settings.zero_shot,
            batch_pixels=settings.batch_pixels,
            device=place,
        )
        image_planes = partial(opponent_planes, max_pixels=settings.max_pixels)
    return EmbeddedInspector(
        recipe=settings,
        digest=digest_of(settings, parts),
        images=images,
        depths=FilterDetector(
            filters=depth_filters,
            memory=settings.depth_memory,
            zero_shot=settings.zero_shot,
            batch_pixels=settings.batch_pixels,
            device=place,
        ),
        image_planes=image_planes,
        depth_planes=partial(depth_planes, settings=settings.geometry, max_pixels=settings.max_pixels),
    )
