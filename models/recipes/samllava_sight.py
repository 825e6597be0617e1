"""Images as recipes of the kind SAM-LLaVA see them: contrast and memory, tiles, SAM."""

from functools import partial

import torch

from models.backbones.planes import rgb_planes
from models.backbones.sam.model import sam_settings
from models.backbones.weights_file import file_sha256
from models.recipes.contrast_detector import ContrastDetector
from models.recipes.picture_detector import PictureDetector
from models.recipes.recipe import weights_file
from models.recipes.refined_detector import RefinedDetector
from models.recipes.samllava_recipe import SamLlavaRecipe, SamStageSettings
from models.recipes.sight import Sight
from models.recipes.tiled_detector import TiledDetector
from models.recipes.token_eye import token_eye
from models.recipes.token_reading import token_reader
from models.refine.new_segmenter import new_segmenter
from models.refine.sam_refiner import SamRefiner
from models.refine.segmenter import SegmenterSettings
from models.refine.segmenter_file import load_segmenter, segmenter_settings


def samllava_sight(recipe: str, settings: SamLlavaRecipe, place: torch.device) -> Sight:
    """ConfigurationError if the weights are not there or do not fit."""
    eye = token_eye(recipe, settings.backbone, place)
    reader, weights = token_reader(recipe, settings, eye, place)
    height, width = eye.backbone.profile.frame
    coarse = ContrastDetector(reader, coarse=settings.coarse, context=settings.context)
    detector: PictureDetector = TiledDetector(coarse, profile=eye.backbone.profile, tiling=settings.tiling)
    refiner = _refiner(recipe, settings.sam, place)
    if refiner is not None:
        detector = RefinedDetector(detector, refiner, threshold=settings.coarse.threshold, form=settings.sam.map)
        weights |= _sam_weights(recipe, settings.sam)
    return Sight(
        detector=detector,
        planes=partial(rgb_planes, least_pixels=height * width, max_pixels=settings.image_pixels),
        weights=weights,
        zero_shot_threshold=settings.coarse.zero_shot_threshold if reader.words is not None else None,
        reader=reader,
    )


def _refiner(recipe: str, settings: SamStageSettings, place: torch.device) -> SamRefiner | None:
    if settings.size is None:
        return None
    trained = None if settings.trained is None else weights_file(recipe, settings.trained)
    additions = SegmenterSettings(
        multiscale_prompt=settings.multiscale_prompt, multiscale_decoder=settings.multiscale_decoder
    )
    segmenter = new_segmenter(
        sam_settings(settings.size),
        additions if trained is None else segmenter_settings(trained),
        weights=None if settings.weights is None else weights_file(recipe, settings.weights),
        seed=settings.seed or 0,
    )
    if trained is not None:
        load_segmenter(segmenter, trained)
        segmenter.keep_only(additions)
    segmenter.requires_grad_(requires_grad=False)
    return SamRefiner(segmenter, settings.refiner, place)


def _sam_weights(recipe: str, settings: SamStageSettings) -> dict[str, bytes]:
    """What the digest covers; a seed is among the recipe's numbers already."""
    files = {"sam": settings.weights, "trained": settings.trained}
    return {name: file_sha256(weights_file(recipe, file)).encode() for name, file in files.items() if file is not None}
