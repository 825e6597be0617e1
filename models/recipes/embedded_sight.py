"""Images as recipes of the embedded kind see them: by the distilled networks, or by fixed filters."""

from dataclasses import replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from models.backbones.filter_bank import FilterBank
from models.backbones.geometric_rgb import geometric_rgb
from models.backbones.planes import Planes, opponent_planes, rgb_planes, stretched
from models.backbones.student import MULTIPLE_PX, Student, StudentSettings
from models.ground.decoder import Decoder
from models.kinds.classifier import KindClassifier, KindSettings
from models.kinds.kinds_file import load_kinds
from models.memory.feature_memory import FeatureMemory
from models.memory.resident_banks import ResidentBanks
from models.recipes.embedded_recipe import EmbeddedRecipe
from models.recipes.filter_detector import FilterDetector
from models.recipes.network_detector import NetworkDetector, NetworkSettings
from models.recipes.network_weights import load_networks, student_sha256
from models.recipes.part_views import ImagePlanes
from models.recipes.picture_detector import PictureDetector
from models.recipes.recipe import weights_file
from models.recipes.sight import DepthSight, Sight
from models.recipes.two_scale_detector import TwoScaleDetector
from wire.errors import ConfigurationError


def embedded_sight(recipe: str, settings: EmbeddedRecipe, place: torch.device) -> Sight:
    """ConfigurationError if the weights are not there."""
    if settings.network is None:
        return _filter_sight(settings, place)
    network = settings.network
    student, decoder = load_networks(weights_file(recipe, network.weights), network.sha256, place)
    banks = ResidentBanks(FeatureMemory.from_tensors, place)
    images = _detector(student, decoder, settings, network, banks, place)

    def kinds_by(named: KindSettings | None) -> KindClassifier | None:
        if named is None:
            return None
        features = student_sha256(weights_file(recipe, network.weights))
        return load_kinds(weights_file(recipe, named.weights), named, student.settings, features_sha256=features)

    depth = _depth_sight(student, decoder, settings, network, banks, place)
    return Sight(
        detector=images,
        planes=partial(_image_planes, settings=network),
        weights={"network": network.sha256.encode()},
        kinds=kinds_by(settings.kinds),
        zero_shot_threshold=settings.zero_shot.threshold_sigma,
        depth=replace(depth, kinds=kinds_by(settings.kinds_on_depth)),
    )


def _geometric_planes(depth_mm: NDArray[np.float32], *, settings: EmbeddedRecipe) -> Planes:
    return stretched(geometric_rgb(depth_mm, settings.geometry, max_pixels=settings.max_pixels), MULTIPLE_PX)


def _image_planes(image: NDArray[np.uint8] | NDArray[np.uint16], *, settings: NetworkSettings) -> Planes:
    planes = rgb_planes(image, least_pixels=settings.least_pixels, max_pixels=settings.max_pixels)
    return stretched(planes, MULTIPLE_PX)


def _filter_sight(settings: EmbeddedRecipe, place: torch.device) -> Sight:
    if settings.image_filters is None or settings.image_memory is None:
        raise ConfigurationError(["image_filters and image_memory are missing"])
    filters = FilterBank(settings.image_filters)
    detector = FilterDetector(
        filters=filters,
        memory=settings.image_memory,
        zero_shot=settings.zero_shot,
        batch_pixels=settings.batch_pixels,
        device=place,
    )
    return Sight(
        detector=detector,
        planes=partial(opponent_planes, max_pixels=settings.max_pixels),
        weights={"image_filters": filters.kernels.numpy().tobytes()},
        zero_shot_threshold=settings.zero_shot.threshold_sigma,
    )


def depth_detector(recipe: str, settings: EmbeddedRecipe, network: NetworkSettings, place: torch.device) -> DepthSight:
    """How a recipe's networks look at depth. ConfigurationError if the weights are not there."""
    student, decoder = load_networks(weights_file(recipe, network.weights), network.sha256, place)
    return _depth_sight(student, decoder, settings, network, ResidentBanks(FeatureMemory.from_tensors, place), place)


def network_detector(
    recipe: str, settings: EmbeddedRecipe, network: NetworkSettings, place: torch.device
) -> tuple[PictureDetector, ImagePlanes, StudentSettings]:
    """The detector of images by a recipe's networks, how a picture becomes its planes, and its features' shape.

    ConfigurationError if the weights are not there.
    """
    student, decoder = load_networks(weights_file(recipe, network.weights), network.sha256, place)
    banks = ResidentBanks(FeatureMemory.from_tensors, place)
    detector = _detector(student, decoder, settings, network, banks, place)
    return detector, partial(_image_planes, settings=network), student.settings


def _depth_sight(
    student: Student,
    decoder: Decoder,
    settings: EmbeddedRecipe,
    network: NetworkSettings,
    banks: ResidentBanks[FeatureMemory],
    place: torch.device,
) -> DepthSight:
    # The same networks: only what counts without a memory differs.
    on_depth = network.model_copy(update={"own_contrast_weight": network.own_contrast_weight_on_depth})
    return DepthSight(
        detector=_detector(student, decoder, settings, on_depth, banks, place),
        planes=partial(_geometric_planes, settings=settings),
    )


def _detector(
    student: Student,
    decoder: Decoder,
    settings: EmbeddedRecipe,
    network: NetworkSettings,
    banks: ResidentBanks[FeatureMemory],
    place: torch.device,
) -> PictureDetector:
    return TwoScaleDetector(
        NetworkDetector(
            student=student,
            decoder=decoder,
            settings=network,
            banks=banks,
            batch_pixels=settings.batch_pixels,
            device=place,
        ),
        far_above_pixels=network.far_above_pixels,
        far_pixels=network.far_pixels,
    )
