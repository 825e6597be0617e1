"""What the student saw of one picture, kept until the regions found in it have their types."""

from dataclasses import dataclass
from typing import Self

from torch import Tensor

from models.backbones.student import StudentFeatures


@dataclass(frozen=True, kw_only=True, eq=False)
class PictureFeatures:
    """fine (F, h, w) at 8 px, coarse (C, h/2, w/2) at 16 px of the working picture.

    Half precision: a third of what the picture itself takes, and rounded by less than a thousandth of their spread.
    """

    fine: Tensor
    coarse: Tensor

    @classmethod
    def of(cls, features: StudentFeatures, index: int) -> Self:
        """A copy of one picture's, so that the batch can go."""
        return cls(fine=features.fine[index].half(), coarse=features.coarse[index].half())
