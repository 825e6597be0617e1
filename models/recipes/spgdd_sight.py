"""Images as recipes of the kind SPGDD-GPT see them."""

from functools import partial

import torch

from models.backbones.planes import Planes, rgb_planes
from models.backbones.tokens import TokenBackbone
from models.recipes.part_views import ImagePlanes
from models.recipes.sight import Sight
from models.recipes.spgdd_detector import SpgddDetector
from models.recipes.spgdd_recipe import SpgddRecipe
from models.recipes.tiled_detector import TiledDetector
from models.recipes.token_eye import token_eye
from models.recipes.token_reading import token_reader
from wire.image_codec import Image


def spgdd_sight(recipe: str, settings: SpgddRecipe, place: torch.device) -> Sight:
    """ConfigurationError if the weights are not there or do not fit."""
    eye = token_eye(recipe, settings.backbone, place)
    reader, weights = token_reader(recipe, settings, eye, place)
    frame = eye.backbone.profile.frame
    detector = SpgddDetector(reader, tddf=settings.tddf, memory=settings.memory, score=settings.score)
    threshold = settings.score.zero_shot_threshold if reader.words is not None else None
    if settings.tiling is None:
        planes = frame_planes(eye.backbone)
        return Sight(detector=detector, planes=planes, weights=weights, zero_shot_threshold=threshold, reader=reader)
    return Sight(
        detector=TiledDetector(detector, profile=eye.backbone.profile, tiling=settings.tiling),
        planes=partial(rgb_planes, least_pixels=frame[0] * frame[1], max_pixels=settings.image_pixels),
        weights=weights,
        zero_shot_threshold=threshold,
        reader=reader,
    )


def frame_planes(backbone: TokenBackbone) -> ImagePlanes:
    """How an image becomes the frame of a token backbone."""

    def planes(image: Image) -> Planes:
        return Planes(values=backbone.profile.prepare(image).pixels, size=(image.shape[0], image.shape[1]))

    return planes
