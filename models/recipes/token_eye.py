"""The backbone that a token recipe names: open_clip's ViTs, SAM's encoders, the shipped network, tiny ones."""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from models.backbones.clip_model import load_clip, random_clip
from models.backbones.clip_tokens import ClipTokens
from models.backbones.sam.checkpoint import load_sam
from models.backbones.sam.model import STRIDE_PX, Sam, SamSize, sam_settings
from models.backbones.sam.tokens import SamTokens
from models.backbones.student_tokens import StudentTokens
from models.backbones.tokens import TokenBackbone
from models.backbones.weights_file import file_sha256, frozen
from models.recipes.backbone_settings import EMBEDDED, BackboneSettings
from models.recipes.network_weights import load_networks
from models.recipes.recipe import read_embedded, weights_file
from wire.errors import ConfigurationError

if TYPE_CHECKING:
    import open_clip

_EMBEDDED_FRAME_PX = 256


@dataclass(frozen=True, kw_only=True, eq=False)
class TokenEye:
    """``clip``: the whole model, whose other half reads text; None without one. ``digest``: of the weights."""

    backbone: TokenBackbone
    clip: "open_clip.CLIP | None"
    digest: bytes


def token_eye(recipe: str, settings: BackboneSettings, place: torch.device) -> TokenEye:
    """Ready to look, frozen. ConfigurationError if the weights are not there or do not fit."""
    settings.check_weights()
    if settings.name == EMBEDDED:
        return _embedded(settings, place)
    size = settings.sam_size()
    if size is not None:
        return _sam(recipe, settings, size, place)
    if settings.weights is not None:
        file = weights_file(recipe, settings.weights)
        model = load_clip(settings.name, file, frame_px=settings.frame_px, context=settings.context)
        digest = file_sha256(file).encode()
    else:
        seed = settings.seed or 0
        model = random_clip(settings.name, seed, frame_px=settings.frame_px, context=settings.context)
        digest = f"{settings.name} seed {seed}".encode()
    frozen(model, place)
    backbone = ClipTokens(
        model,
        vv_mode=settings.vv_mode,
        memory_source=settings.memory_source,
        layers=settings.layers,
        device=place,
    )
    return TokenEye(backbone=backbone, clip=model, digest=hashlib.sha256(digest).digest())


def _sam(recipe: str, settings: BackboneSettings, size: SamSize, place: torch.device) -> TokenEye:
    numbers = sam_settings(size)
    if settings.frame_px is not None:
        if settings.frame_px % STRIDE_PX:
            raise ConfigurationError([f"backbone.frame_px: {settings.frame_px}, expected a multiple of {STRIDE_PX}"])
        numbers = numbers.model_copy(update={"image_px": settings.frame_px})
    if settings.weights is not None:
        file = weights_file(recipe, settings.weights)
        model, digest = load_sam(numbers, file), file_sha256(file).encode()
    else:
        seed = settings.seed or 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model, digest = Sam(numbers), f"{settings.name} seed {seed}".encode()
    frozen(model, place)
    backbone = SamTokens(model, layers=settings.layers, device=place)
    return TokenEye(backbone=backbone, clip=None, digest=hashlib.sha256(digest).digest())


def _embedded(settings: BackboneSettings, place: torch.device) -> TokenEye:
    numbers = read_embedded(EMBEDDED)
    if numbers.network is None:
        raise ConfigurationError(["backbone embedded: the shipped recipe has no network"])
    if settings.weights is not None:
        raise ConfigurationError(["backbone embedded: its weights ship inside; leave backbone.weights out"])
    file = weights_file(EMBEDDED, numbers.network.weights)
    student, decoder = load_networks(file, numbers.network.sha256, place)
    backbone = StudentTokens(student, frame_px=settings.frame_px or _EMBEDDED_FRAME_PX, decoder=decoder)
    return TokenEye(backbone=backbone, clip=None, digest=numbers.network.sha256.encode())
