"""How a recipe sees images: what its kind adds to the parts that all recipes share."""

from collections.abc import Mapping
from dataclasses import dataclass

from models.kinds.classifier import KindClassifier
from models.recipes.part_views import DepthPlanes, ImagePlanes
from models.recipes.picture_detector import PictureDetector
from models.recipes.token_reader import TokenReader


@dataclass(frozen=True, kw_only=True, eq=False)
class DepthSight:
    """``planes`` makes of a depth image what ``detector`` looks at.

    ``kinds`` gives regions of depth their types; None = only what people taught, in the metric of images.
    """

    detector: PictureDetector
    planes: DepthPlanes
    kinds: KindClassifier | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Sight:
    """``planes`` makes of an image what ``detector`` looks at; ``weights``: what the digest covers, by name.

    ``kinds`` gives regions their types. ``zero_shot_threshold``: a score above it is a defect where there is no memory;
    None = scores without a verdict. ``depth``: None = the fixed filters that the recipe names. ``reader``: says how
    the parts of a line are seen and read; None where nothing is compared with words.
    """

    detector: PictureDetector
    planes: ImagePlanes
    weights: Mapping[str, bytes]
    kinds: KindClassifier | None = None
    zero_shot_threshold: float | None = None
    depth: DepthSight | None = None
    reader: TokenReader | None = None
