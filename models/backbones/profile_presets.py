"""The published ways into the frames of the networks that recipes see with (SYSTEMS A.2.1, A.4.2, row 5)."""

from typing import Final

from models.backbones.profile import Fit, Profile

_CLIP: Final = {"mean": (0.48145466, 0.4578275, 0.40821073), "std": (0.26862954, 0.26130258, 0.27577711)}
# SAM's own numbers, 123.675, 116.28, 103.53 and 58.395, 57.12, 57.375, are ImageNet's, over 255.
_IMAGENET: Final = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
_AS_IT_IS: Final = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}


def clip_profile(frame: tuple[int, int] = (240, 240)) -> Profile:
    """Squashed, picture and mask alike: the public loader crops the one and squashes the other."""
    return Profile(frame=frame, fit=Fit.SQUASH, **_CLIP)


def sam_profile(side: int = 1024) -> Profile:
    """The longest side fills the square, the rest is padding at the bottom or right."""
    return Profile(frame=(side, side), fit=Fit.PAD, **_IMAGENET)


def imagenet_profile(side: int = 224) -> Profile:
    """The shortest side fills the square: what classifiers were trained on."""
    return Profile(frame=(side, side), fit=Fit.CROP, **_IMAGENET)


def detector_profile(side: int = 640) -> Profile:
    """Letterboxed and not normalised: what detectors of the YOLO family see."""
    return Profile(frame=(side, side), fit=Fit.LETTERBOX, **_AS_IT_IS)
