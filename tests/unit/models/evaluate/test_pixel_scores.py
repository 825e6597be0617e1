import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from models.evaluate.figures import figures_of, mean_of
from models.evaluate.metrics.pixel_scores import PixelScores, area_to
from wire.errors import ShapeError


def counted(anomaly: NDArray[np.float32], mask: NDArray[np.bool_]) -> PixelScores:
    pixels = PixelScores()
    pixels.add(anomaly, mask)
    return pixels


def two_regions() -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Regions of 4 px (scores 9, 8, 7, 3) and of 1 px (score 6); good pixels: one 7.5, one 5, eighteen 1."""
    anomaly = np.ones((5, 5), np.float32)
    mask = np.zeros((5, 5), np.bool_)
    mask[0, :4], anomaly[0, :4] = True, (9, 8, 7, 3)
    mask[4, 4], anomaly[4, 4] = True, 6
    anomaly[2, 0], anomaly[2, 4] = 7.5, 5
    return anomaly, mask


def test_region_overlap_of_two_regions_worked_by_hand() -> None:
    # Falling scores over 20 good pixels: at 9 overlap .125, 8: .25, 7.5: rate .05, 7: .375, 6: .875, 5: rate .1, 3: 1.
    overlap = counted(*two_regions()).overlap()

    np.testing.assert_allclose(overlap.true_rate, [0.125, 0.25, 0.25, 0.375, 0.875, 0.875, 1, 1])
    np.testing.assert_allclose(overlap.false_rate, [0, 0, 0.05, 0.05, 0.05, 0.1, 0.1, 1])
    assert area_to(overlap, 0.05) == pytest.approx(0.25)  # flat at .25 up to .05
    assert area_to(overlap, 0.3) == pytest.approx((0.05 * 0.25 + 0.05 * 0.875 + 0.2 * 1) / 0.3)
    assert area_to(overlap, 0.075) == pytest.approx((0.05 * 0.25 + 0.025 * 0.875) / 0.075)  # cut between two scores


def test_a_curve_is_cut_on_the_line_between_two_ties() -> None:
    mask = np.array([[True, False, True, False]])
    tied = np.array([[1, 1, 0, 0]], np.float32)  # (0, 0) → (.5, .5) → (1, 1): a straight line

    assert area_to(counted(tied, mask).overlap(), 0.3) == pytest.approx(0.15)


def test_regions_touch_at_corners_and_weigh_the_same_whatever_their_size() -> None:
    anomaly = np.zeros((8, 8), np.float32)
    mask = np.zeros((8, 8), np.bool_)
    mask[0, 0] = mask[1, 1] = True  # one region
    mask[4:8, 4:8] = True  # another one, eight times as large
    anomaly[0, 0] = anomaly[1, 1] = 2

    overlap = counted(anomaly, mask).overlap()

    assert overlap.true_rate.tolist() == [0.5, 1.0]


def test_pixels_of_many_maps_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(5)
    maps = [rng.gamma(2.0, 3.0, (40, 50)).astype(np.float32) for _ in range(6)]
    masks = [rng.random((40, 50)) < 0.03 for _ in range(6)]
    for anomaly, mask in zip(maps, masks, strict=True):
        anomaly[mask] += 2
    pixels = PixelScores()
    for anomaly, mask in zip(maps, masks, strict=True):
        pixels.add(anomaly, mask)

    found = pixels.ranking()

    expected = roc_auc_score(np.concatenate([m.ravel() for m in masks]), np.concatenate([m.ravel() for m in maps]))
    assert found.auroc() == pytest.approx(expected, abs=1e-4)
    assert (found.auroc_tolerance() or 1) < 1e-4


def test_sums_of_parts_are_the_whole() -> None:
    anomaly, mask = two_regions()
    whole = counted(anomaly, mask)
    whole.add(anomaly * 2, np.zeros_like(mask))

    parts = counted(anomaly, mask) + counted(anomaly * 2, np.zeros_like(mask))

    assert parts.ranking().auroc() == whole.ranking().auroc()
    assert area_to(parts.overlap(), 0.3) == area_to(whole.overlap(), 0.3)


def test_perfect_is_one_inverted_is_zero_and_monotone_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    mask = np.zeros((32, 32), np.bool_)
    mask[3:9, 4:12] = mask[20:22, 20:30] = True
    perfect = rng.random((32, 32), np.float32) + mask.astype(np.float32) * 2
    noisy = rng.random((32, 32), np.float32) + mask.astype(np.float32) * np.float32(0.4)

    def all_of(anomaly: NDArray[np.float32]) -> list[float | None]:
        return list(figures_of([0.1], [0.2], counted(anomaly, mask)).values().values())

    assert all_of(perfect) == [1.0] * 8
    inverted = figures_of([0.2], [0.1], counted(-perfect, mask))
    assert (inverted.image_auroc, inverted.pixel_auroc, inverted.aupro_30, inverted.aupro_05) == (0, 0, 0, 0)
    assert all_of(np.exp(3 * noisy)) == pytest.approx(all_of(noisy), abs=2e-3)


def test_a_group_with_one_label_has_no_figures_and_does_not_count_in_the_mean() -> None:
    anomaly, mask = two_regions()
    without_good = figures_of([], [0.5], counted(anomaly, mask))
    without_masks = figures_of([0.1], [0.5], None)

    assert without_good.image_auroc is None and without_good.pixel_auroc is not None
    assert without_masks.image_auroc == 1.0 and without_masks.pixel_auroc is None
    mean = mean_of([without_good, without_masks])
    assert (mean.image_auroc, mean.pixel_auroc) == (1.0, without_good.pixel_auroc)
    assert figures_of([0.1], [0.5], counted(anomaly, np.zeros_like(mask))).aupro_30 is None


def test_a_map_of_another_size_than_its_mask_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"map \(2, 3\) does not fit a mask of \(3, 2\)"):
        PixelScores().add(np.zeros((2, 3), np.float32), np.zeros((3, 2), np.bool_))
