"""From a recipe's name to a working inspector."""

from functools import partial

import torch

from models.backbones.filter_bank import FilterBank
from models.backbones.geometry import depth_planes
from models.backbones.placement import place_of
from models.backbones.planes import opponent_planes, rgb_planes
from models.backbones.student import StudentSettings
from models.kinds.classifier import KindClassifier
from models.kinds.kinds_file import load_kinds
from models.recipes.embedded_inspector import EmbeddedInspector
from models.recipes.filter_detector import FilterDetector
from models.recipes.network_detector import NetworkDetector, NetworkSettings
from models.recipes.network_weights import load_networks
from models.recipes.part_views import ImagePlanes
from models.recipes.picture_detector import PictureDetector
from models.recipes.recipe import Recipe, digest_of, read_recipe, weights_file
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
    image_planes: ImagePlanes
    kinds: KindClassifier | None = None
    if settings.network is not None:
        network = settings.network
        images, image_planes, student = network_detector(recipe, settings, network, place)
        parts["network"] = network.sha256.encode()
        if settings.kinds is not None:
            kinds = load_kinds(
                weights_file(recipe, settings.kinds),
                settings.kinds,
                student,
                features_sha256=network.sha256,
            )
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
        kinds=kinds,
        image_planes=image_planes,
        depth_planes=partial(depth_planes, settings=settings.geometry, max_pixels=settings.max_pixels),
    )


def network_detector(
    recipe: str, settings: Recipe, network: NetworkSettings, place: torch.device
) -> tuple[PictureDetector, ImagePlanes, StudentSettings]:
    """The detector of images by a recipe's networks, how a picture becomes its planes, and its features' shape.

    ConfigurationError if the weights are not there.
    """
    student, decoder = load_networks(weights_file(recipe, network), network.sha256, place)
    detector = TwoScaleDetector(
        NetworkDetector(
            student=student, decoder=decoder, settings=network, batch_pixels=settings.batch_pixels, device=place
        ),
        far_above_pixels=network.far_above_pixels,
        far_pixels=network.far_pixels,
    )
    planes = partial(rgb_planes, least_pixels=network.least_pixels, max_pixels=network.max_pixels)
    return detector, planes, student.settings
