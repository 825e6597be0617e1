import numpy as np
import pytest

from models.evaluate.masks import defect_pixels, resize_mask


def colour(values: list[list[int]], kind: type = np.uint8) -> np.ndarray:
    return np.repeat(np.array(values, kind)[:, :, None], 3, axis=2)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([[0, 255]], [[False, True]], id="black and white"),
        pytest.param([[0, 1, 2, 3]], [[False, True, True, True]], id="labels"),
        pytest.param([[3, 127, 128, 255]], [[False, False, True, True]], id="soft edges"),
        pytest.param([[0, 0]], [[False, False]], id="nothing"),
    ],
)
def test_intensities_count_above_half_and_labels_above_zero(
    values: list[list[int]], expected: list[list[bool]]
) -> None:
    assert defect_pixels(colour(values)).tolist() == expected


def test_sixteen_bits_and_single_channels_follow_the_same_rule() -> None:
    assert defect_pixels(colour([[0, 32767, 32768, 65535]], np.uint16)).tolist() == [[False, False, True, True]]
    blue = colour([[0, 0]])
    blue[0, 1, 2] = 153
    assert defect_pixels(blue).tolist() == [[False, True]]


def test_a_stated_value_replaces_the_rule() -> None:
    assert defect_pixels(colour([[0, 3, 255]]), mask_above=0).tolist() == [[False, True, True]]


def test_a_pixel_is_defect_if_half_of_it_is() -> None:
    mask = np.zeros((4, 4), np.bool_)
    mask[0, 0:2] = True  # half of the first quarter
    mask[2:4, 2:4] = True
    mask[3, 2] = False  # three quarters of the last

    assert resize_mask(mask, 2).tolist() == [[True, False], [False, True]]


def test_a_region_that_would_vanish_keeps_one_pixel() -> None:
    mask = np.zeros((512, 300), np.bool_)
    mask[100:200, 50:150] = True
    mask[401, 201] = True

    small = resize_mask(mask, 64)

    assert small[401 * 64 // 512, 201 * 64 // 300]
    assert small.sum() == pytest.approx(100 * 100 * 64 * 64 / (512 * 300), rel=0.05)


def test_enlarging_keeps_the_place_and_the_share() -> None:
    mask = np.zeros((200, 200), np.bool_)
    mask[20:60, 100:180] = True

    large = resize_mask(mask, 256)

    rows, columns = np.flatnonzero(large.any(axis=1)), np.flatnonzero(large.any(axis=0))
    assert (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1) == pytest.approx((26, 77, 128, 230), abs=1)
    assert large.mean() == pytest.approx(mask.mean(), rel=0.03)
