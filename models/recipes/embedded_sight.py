"""Images as recipes of the embedded kind see them: by the distilled networks, or by fixed filters."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Self

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
    networks = _Networks.load(recipe, settings, network, place)
    named = settings.kinds, settings.kinds_on_depth
    features = student_sha256(weights_file(recipe, network.weights)) if any(named) else ""

    def kinds_by(given: KindSettings | None) -> KindClassifier | None:
        if given is None:
            return None
        file = weights_file(recipe, given.weights)
        return load_kinds(file, given, networks.student.settings, features_sha256=features)

    return Sight(
        detector=networks.on_images(),
        planes=partial(_image_planes, settings=network),
        weights={"network": network.sha256.encode()},
        kinds=kinds_by(settings.kinds),
        zero_shot_threshold=settings.zero_shot.threshold_sigma,
        depth=replace(networks.on_depth(), kinds=kinds_by(settings.kinds_on_depth)),
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
    return _Networks.load(recipe, settings, network, place).on_depth()


def network_detector(
    recipe: str, settings: EmbeddedRecipe, network: NetworkSettings, place: torch.device
) -> tuple[PictureDetector, ImagePlanes, StudentSettings]:
    """The detector of images by a recipe's networks, how a picture becomes its planes, and its features' shape.

    ConfigurationError if the weights are not there.
    """
    networks = _Networks.load(recipe, settings, network, place)
    return networks.on_images(), partial(_image_planes, settings=network), networks.student.settings


@dataclass(frozen=True, kw_only=True, eq=False)
class _Networks:
    """A recipe's networks and the banks that they have on ``place``, which images and depth share."""

    student: Student
    decoder: Decoder
    settings: EmbeddedRecipe
    network: NetworkSettings
    banks: ResidentBanks[FeatureMemory]
    place: torch.device

    @classmethod
    def load(cls, recipe: str, settings: EmbeddedRecipe, network: NetworkSettings, place: torch.device) -> Self:
        """ConfigurationError if the weights are not there."""
        student, decoder = load_networks(weights_file(recipe, network.weights), network.sha256, place)
        banks = ResidentBanks(FeatureMemory.from_tensors, place)
        return cls(student=student, decoder=decoder, settings=settings, network=network, banks=banks, place=place)

    def on_images(self) -> PictureDetector:
        """The detector of images."""
        return self._detector(self.network)

    def on_depth(self) -> DepthSight:
        """The same networks: only what counts without a memory differs."""
        network = self.network.model_copy(update={"own_contrast_weight": self.network.own_contrast_weight_on_depth})
        return DepthSight(detector=self._detector(network), planes=partial(_geometric_planes, settings=self.settings))

    def _detector(self, network: NetworkSettings) -> PictureDetector:
        return TwoScaleDetector(
            NetworkDetector(
                student=self.student,
                decoder=self.decoder,
                settings=network,
                banks=self.banks,
                batch_pixels=self.settings.batch_pixels,
                device=self.place,
            ),
            far_above_pixels=network.far_above_pixels,
            far_pixels=network.far_pixels,
        )
