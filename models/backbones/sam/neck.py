"""The neck of MobileSAM's image encoder: from its width to the width of SAM's embedding."""

from torch import nn


class Neck(nn.Sequential):
    """(B, W, h, w) -> (B, C, h, w), normed over channels, as behind SAM's own encoders."""

    def __init__(self, before: int, after: int) -> None:
        # Here, because the package brings torchvision and torch's compiler.
        from segment_anything.modeling.common import LayerNorm2d

        super().__init__(
            nn.Conv2d(before, after, 1, bias=False),
            LayerNorm2d(after),
            nn.Conv2d(after, after, 3, padding=1, bias=False),
            LayerNorm2d(after),
        )
