import pytest
import torch

from models.backbones.student import Student
from tests.unit.models.tiny_networks import STUDENT, tiny_networks
from wire.errors import ShapeError


def test_features_lie_on_grids_of_8_and_16_px_and_detail_on_4():
    student, _ = tiny_networks()
    with torch.inference_mode():
        seen = student(torch.rand(2, 3, 64, 96))
    assert seen.fine.shape == (2, 5, 8, 12)
    assert seen.coarse.shape == (2, 7, 4, 6)
    assert seen.detail.shape == (2, 6, 16, 24)


def test_one_image_of_a_batch_keeps_its_axis():
    student, _ = tiny_networks()
    with torch.inference_mode():
        seen = student(torch.rand(3, 3, 32, 32))
    assert torch.equal(seen[1].coarse, seen.coarse[1:2])


@pytest.mark.parametrize("shape", [(1, 3, 33, 64), (1, 1, 32, 32), (3, 32, 32)])
def test_pictures_of_another_shape_are_refused_with_their_shape(shape: tuple[int, ...]):
    with pytest.raises(ShapeError, match=r"images have shape \(.*\), expected \(B, 3, H, W\) in multiples of 32"):
        Student(STUDENT)(torch.zeros(shape))
