import numpy as np
import pytest
import torch

from models.backbones.filter_bank import FilterBank, FilterBankSettings
from models.backbones.planes import opponent_planes
from wire.errors import ShapeError

SETTINGS = FilterBankSettings(
    levels=4, kernel_px=7, sigma_px=1.0, orientations=4, wavelength_px=4.0, stride_px=8, log_offset=None
)


@pytest.fixture(scope="module")
def bank() -> FilterBank:
    return FilterBank(SETTINGS)


def noise(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("size", "grid"),
    [((64, 96), (8, 12)), ((65, 97), (9, 13)), ((1, 1), (1, 1)), ((5, 200), (1, 25)), ((400, 7), (50, 1))],
)
def test_every_size_and_aspect_gives_one_vector_per_started_patch(
    bank: FilterBank, size: tuple[int, int], grid: tuple[int, int]
):
    features = bank(noise(2, 3, *size))
    assert features.shape[0] == 2
    assert features.shape[2:] == grid
    assert torch.isfinite(features).all()


def test_the_number_of_features_depends_on_planes_alone(bank: FilterBank):
    # Per level 5 derivatives and 4 Gabors, plus the level itself from the second on: 4 * 9 + 3; further planes give
    # mean and deviation on two levels: 4 each.
    assert bank(noise(1, 1, 64, 64)).shape[1] == 39
    assert bank(noise(1, 3, 40, 72)).shape[1] == 39 + 8


def test_a_flat_image_excites_no_filter(bank: FilterBank):
    features = bank(torch.full((1, 1, 64, 64), 0.5))
    levels = [9 + 10 * k + 9 for k in range(3)]
    assert torch.allclose(features[0, levels], torch.tensor(0.5))
    others = [k for k in range(39) if k not in levels]
    assert float(features[0, others].abs().max()) < 1e-6


def test_moving_the_image_by_a_patch_moves_its_features(bank: FilterBank):
    image = noise(1, 1, 160, 160)
    moved = torch.roll(image, (16, 8), dims=(2, 3))
    features, expected = bank(moved)[:, :, 6:14, 6:14], bank(image)[:, :, 4:12, 5:13]
    assert torch.allclose(features, expected, atol=1e-5)


def test_vertical_and_horizontal_stripes_excite_different_derivatives(bank: FilterBank):
    stripes = (torch.arange(64) // 2 % 2).float().expand(1, 1, 64, 64)  # change along x
    mean = bank(stripes)[0, :2].mean(dim=(1, 2))  # d/dx, d/dy of the finest level
    assert float(mean[0]) > 100 * float(mean[1])
    turned = bank(stripes.transpose(2, 3))[0, :2].mean(dim=(1, 2))
    assert torch.allclose(turned, mean.flip(0), atol=1e-6)


def test_with_the_logarithm_illumination_shifts_levels_and_leaves_textures():
    bank = FilterBank(SETTINGS.model_copy(update={"log_offset": 1e-6}))
    image = noise(1, 1, 64, 64) * 0.4 + 0.1
    dark, light = bank(image), bank(image * 2)
    levels = [9 + 10 * k + 9 for k in range(3)]
    others = [k for k in range(39) if k not in levels]
    assert torch.allclose(dark[0, others], light[0, others], atol=1e-4)
    assert torch.allclose(light[0, levels] - dark[0, levels], torch.tensor(2.0).log(), atol=1e-4)


def test_planes_of_another_rank_are_refused(bank: FilterBank):
    with pytest.raises(ShapeError, match=r"planes have shape \(3, 8, 8\), expected \(B, P, H, W\)"):
        bank(noise(3, 8, 8))


def test_sixteen_bits_mean_the_same_as_eight():
    eight = np.arange(6 * 4 * 3, dtype=np.uint8).reshape(6, 4, 3)
    sixteen = eight.astype(np.uint16) * 257
    assert np.allclose(
        opponent_planes(eight, max_pixels=10**6).values, opponent_planes(sixteen, max_pixels=10**6).values, atol=1e-6
    )


def test_planes_are_intensity_and_two_opponents():
    red = np.zeros((2, 2, 3), np.uint8)
    red[:, :, 0] = 255
    values = opponent_planes(red, max_pixels=100).values
    assert values[:, 0, 0].tolist() == pytest.approx([0.299, 1.0, 0.5])
    grey = np.full((2, 2, 3), 51, np.uint8)
    assert opponent_planes(grey, max_pixels=100).values[:, 1, 1].tolist() == pytest.approx([0.2, 0.0, 0.0])


def test_a_large_image_is_averaged_down_to_the_bound():
    planes = opponent_planes(np.zeros((3000, 1000, 3), np.uint8), max_pixels=10_000)
    height, width = planes.values.shape[1:]
    assert height * width <= 10_000
    assert height / width == pytest.approx(3.0, rel=0.05)
    assert planes.size == (3000, 1000)


def test_an_image_of_another_type_is_refused():
    with pytest.raises(ShapeError, match=r"image has shape \(4, 4\) and type float32"):
        opponent_planes(np.zeros((4, 4), np.float32), max_pixels=100)  # type: ignore[arg-type]
