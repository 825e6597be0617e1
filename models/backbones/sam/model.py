"""Segment Anything as one model: segment-anything's parts, assembled here for every size, one builder with the numbers.

The package's own builder unpickles a checkpoint; here a model is made empty, and ``checkpoint`` fills it.
"""

from functools import partial
from typing import Final, Literal, get_args

from torch import Tensor, nn

from models.backbones.sam.tiny_vit import TinyVit, TinyVitSettings
from models.settings import PartSettings
from wire.errors import ShapeError

# Pixels per place of the embedding: the patch of every encoder.
STRIDE_PX: Final = 16
# A mask prompt and the decoder's own masks have so many pixels a side per place of the embedding.
MASK_PER_PLACE: Final = 4

SamSize = Literal["vit_b", "vit_l", "vit_h", "mobile", "tiny", "tiny_mobile"]
SAM_SIZES: Final[tuple[SamSize, ...]] = get_args(SamSize)


class VitSettings(PartSettings):
    """segment-anything's encoder; ``global_blocks`` (0-based) attend over the whole picture, the others in windows."""

    width: int
    depth: int
    heads: int
    global_blocks: tuple[int, ...]
    window: int


class SamSettings(PartSettings):
    """``image_px``: side of the square that the encoder sees. ``vit`` and ``tiny_vit``: one of both is the encoder."""

    image_px: int
    channels: int
    prompt_channels: int
    decoder_width: int
    decoder_heads: int
    iou_width: int
    vit: VitSettings | None = None
    tiny_vit: TinyVitSettings | None = None


def sam_size(name: str) -> SamSize | None:
    """The size of that name, None if there is none."""
    return next((size for size in SAM_SIZES if size == name), None)


def _real(**encoder: VitSettings | TinyVitSettings) -> SamSettings:
    return SamSettings(
        image_px=1024,
        channels=256,
        prompt_channels=16,
        decoder_width=2048,
        decoder_heads=8,
        iou_width=256,
        **encoder,
    )


def _tiny(**encoder: VitSettings | TinyVitSettings) -> SamSettings:
    return SamSettings(
        image_px=64,
        channels=32,
        prompt_channels=8,
        decoder_width=64,
        decoder_heads=4,
        iou_width=32,
        **encoder,
    )


def sam_settings(size: SamSize) -> SamSettings:
    """The numbers of one size. The tiny ones are for tests: same parts, same interface, no weights in the world."""
    if size == "vit_b":
        return _real(vit=VitSettings(width=768, depth=12, heads=12, global_blocks=(2, 5, 8, 11), window=14))
    if size == "vit_l":
        return _real(vit=VitSettings(width=1024, depth=24, heads=16, global_blocks=(5, 11, 17, 23), window=14))
    if size == "vit_h":
        return _real(vit=VitSettings(width=1280, depth=32, heads=16, global_blocks=(7, 15, 23, 31), window=14))
    if size == "mobile":
        return _real(
            tiny_vit=TinyVitSettings(
                widths=(64, 128, 160, 320), depths=(2, 2, 6, 2), heads=(2, 4, 5, 10), windows=(7, 7, 14, 7)
            )
        )
    if size == "tiny":
        return _tiny(vit=VitSettings(width=32, depth=2, heads=4, global_blocks=(1,), window=3))
    return _tiny(
        tiny_vit=TinyVitSettings(widths=(8, 16, 24, 32), depths=(1, 1, 1, 1), heads=(1, 2, 3, 4), windows=(3, 3, 3, 3))
    )


class Sam(nn.Module):
    """Image encoder, prompt encoder and mask decoder under the names that checkpoints use."""

    def __init__(self, settings: SamSettings) -> None:
        # Here, because the package brings torchvision and torch's compiler: five seconds of CPU, which a process with
        # another recipe need not pay.
        from segment_anything.modeling import MaskDecoder, PromptEncoder, TwoWayTransformer

        super().__init__()
        self.settings = settings
        places, channels = settings.image_px // STRIDE_PX, settings.channels
        self.image_encoder = _encoder(settings)
        self.prompt_encoder = PromptEncoder(
            embed_dim=channels,
            image_embedding_size=(places, places),
            input_image_size=(settings.image_px, settings.image_px),
            mask_in_chans=settings.prompt_channels,
        )
        self.mask_decoder = MaskDecoder(
            num_multimask_outputs=3,
            transformer=TwoWayTransformer(
                depth=2, embedding_dim=channels, mlp_dim=settings.decoder_width, num_heads=settings.decoder_heads
            ),
            transformer_dim=channels,
            iou_head_depth=3,
            iou_head_hidden_dim=settings.iou_width,
        )

    @property
    def places(self) -> int:
        """Places a side of the embedding."""
        return self.settings.image_px // STRIDE_PX

    @property
    def mask_px(self) -> int:
        """Pixels a side of a mask prompt and of the decoder's masks."""
        return MASK_PER_PLACE * self.places

    def encode(self, images: Tensor) -> Tensor:
        """Images (B, 3, S, S) normalised, padded to the square -> embedding (B, C, S/16, S/16). ShapeError else."""
        side = self.settings.image_px
        if images.ndim != 4 or tuple(images.shape[1:]) != (3, side, side):
            raise ShapeError(f"images have shape {tuple(images.shape)}, SAM expects (B, 3, {side}, {side})")
        embedding: Tensor = self.image_encoder(images)
        return embedding


def _encoder(settings: SamSettings) -> nn.Module:
    if settings.tiny_vit is not None:
        return TinyVit(settings.tiny_vit, out_channels=settings.channels)
    vit = settings.vit
    if vit is None:
        raise ShapeError("SamSettings name neither vit nor tiny_vit")
    # Here for the same reason as in Sam.
    from segment_anything.modeling import ImageEncoderViT

    encoder: nn.Module = ImageEncoderViT(
        depth=vit.depth,
        embed_dim=vit.width,
        img_size=settings.image_px,
        mlp_ratio=4,
        norm_layer=partial(nn.LayerNorm, eps=1e-6),
        num_heads=vit.heads,
        patch_size=STRIDE_PX,
        qkv_bias=True,
        use_rel_pos=True,
        global_attn_indexes=vit.global_blocks,
        window_size=vit.window,
        out_chans=settings.channels,
    )
    return encoder
