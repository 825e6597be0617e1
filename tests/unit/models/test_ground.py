import cv2
import numpy as np
import pytest

from models.ground.threshold import map_threshold, otsu, separation
from models.refine.local_contrast import LocalContrastSettings, sharpen
from models.refine.regions import MAX_REGIONS, Marking, regions_of, upsample

SHARPENING = LocalContrastSettings(
    margin_px=16, smoothing_px=0.7, least_sigma=3.0, floor=0.01, least_separation=0.7, least_share=0.02
)


def test_otsu_agrees_with_opencv_on_byte_values():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(60, 10, 3000), rng.normal(180, 15, 1000)]).clip(0, 255).round()
    expected, _ = cv2.threshold(values.astype(np.uint8), 0, 255, cv2.THRESH_OTSU)
    assert otsu(values.astype(np.float32)) == pytest.approx(expected, abs=2.0)


def test_otsu_of_a_constant_is_the_constant():
    assert otsu(np.full((3, 4), 2.5, np.float32)) == 2.5


def test_otsu_splits_values_that_have_no_number_between_them():
    one, next_one = np.float32(1), np.nextafter(np.float32(1), np.float32(2))
    assert float(one) < otsu(np.array([one, one, next_one], np.float32)) < float(next_one)


def test_otsu_alone_would_mark_half_of_a_normal_map_and_tau_marks_hardly_any():
    noise = np.random.default_rng(1).normal(5, 1, (100, 100)).astype(np.float32)
    normal_level = float(np.quantile(noise, 0.9995))
    assert float((noise > otsu(noise)).mean()) == pytest.approx(0.5, abs=0.05)
    tau = map_threshold(noise, normal_level, image_threshold=20.0)
    assert tau >= otsu(noise)
    assert float((noise > tau).mean()) <= 0.0005


def test_tau_is_the_larger_of_both_but_never_hides_the_peak():
    two_classes = np.array([[1.0] * 90 + [9.0] * 10], np.float32)
    assert map_threshold(two_classes, normal_level=8.5, image_threshold=8.8) == 8.5
    assert map_threshold(two_classes, normal_level=0.5, image_threshold=8.8) == pytest.approx(otsu(two_classes))
    assert map_threshold(two_classes, normal_level=8.5, image_threshold=3.0) == 3.0


def test_separation_tells_two_classes_from_noise():
    noise = np.random.default_rng(1).normal(0, 1, 20_000).astype(np.float32)
    assert separation(noise, otsu(noise)) == pytest.approx(2 / np.pi, abs=0.02)  # Gaussian split at its mean
    assert separation(np.array([1, 1, 1, 5, 5], np.float32), 2.0) == pytest.approx(1.0)
    assert separation(np.ones(5, np.float32), 2.0) == 0.0


def regions(full: np.ndarray, tau: float, limit: float, patch_area: float = 64.0):
    numbers, found = regions_of(
        full.astype(np.float32),
        Marking(tau=tau, image_threshold=limit, patch_area_px=patch_area),
        modality="rgb",
        grey=np.full(full.shape, 100, np.uint8),
        mm_per_px=0.5,
        planes=None,
        sharpening=SHARPENING,
    )
    assert sorted(set(numbers[numbers > 0].tolist())) == [region.index + 1 for region in found]
    return numbers > 0, found


def test_a_region_needs_a_place_above_the_image_threshold_and_reaches_down_to_tau():
    full = np.zeros((60, 80))
    full[10:20, 30:50] = 2.0
    full[14, 40] = 5.0
    full[40:50, 10:20] = 2.5  # above tau only
    mask, found = regions(full, tau=1.5, limit=4.0)
    assert [(r.xyxy_px, r.area_px, r.score) for r in found] == [((30, 10, 50, 20), 200, 5.0)]
    assert mask[10:20, 30:50].all()
    assert int(mask.sum()) == 200
    assert found[0].facts.area_mm2 == 50.0


def test_regions_touching_by_a_corner_are_one():
    full = np.zeros((40, 40))
    full[5:15, 5:15] = full[15:25, 15:25] = 3.0
    _, found = regions(full, tau=1.0, limit=2.0)
    assert [r.xyxy_px for r in found] == [(5, 5, 25, 25)]


def test_regions_come_by_falling_score_with_their_index():
    full = np.zeros((40, 80))
    full[5:15, 5:15] = 3.0
    full[5:15, 30:40] = 7.0
    full[5:15, 60:70] = 5.0
    _, found = regions(full, tau=1.0, limit=2.0)
    assert [(r.index, r.score) for r in found] == [(0, 7.0), (1, 5.0), (2, 3.0)]


def test_a_speck_below_a_quarter_patch_is_dropped_unless_it_is_the_peak():
    full = np.zeros((40, 40))
    full[5:8, 5:8] = 9.0  # 9 px, the peak
    full[20:23, 20:23] = 8.0  # 9 px < 16
    full[30:34, 30:34] = 7.0  # 16 px
    _, found = regions(full, tau=1.0, limit=2.0)
    assert [r.score for r in found] == [9.0, 7.0]


def test_a_part_that_is_bad_all_over_gives_a_bounded_number_of_regions():
    full = np.zeros((200, 200))
    full[::8, ::8] = 5.0
    _, found = regions(full, tau=1.0, limit=2.0, patch_area=4.0)
    assert len(found) == MAX_REGIONS


def test_upsampling_puts_each_value_at_its_patchs_centre():
    anomaly = np.zeros((4, 5), np.float32)
    anomaly[2, 3] = 6.0
    full = upsample(anomaly, (30, 37), (8.0, 8.0))
    assert full.shape == (30, 37)
    assert np.unravel_index(int(full.argmax()), full.shape)[0] in (19, 20)
    assert np.unravel_index(int(full.argmax()), full.shape)[1] in (27, 28)
    assert float(full.max()) <= 6.0


def scene(contrast: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(planes (1, H, W), coarse band, map, true scratch)."""
    rng = np.random.default_rng(0)
    planes = rng.normal(0.5, 0.02, (1, 80, 100)).astype(np.float32)
    scratch = np.zeros((80, 100), np.bool_)
    scratch[40:42, 20:80] = True
    planes[0][scratch] += contrast
    band = np.zeros((80, 100), np.bool_)
    band[31:51, 14:86] = True
    y = np.mgrid[:80, :100][0]
    anomaly = np.maximum(0, 10 - np.abs(y - 40.5)).astype(np.float32)
    return planes, band, anomaly, scratch


def test_a_band_shrinks_to_the_scratch_in_it():
    planes, band, anomaly, scratch = scene(-0.3)
    sharp = sharpen(band, band, anomaly, planes, SHARPENING)
    assert float((sharp & scratch).sum() / (sharp | scratch).sum()) > 0.6
    assert not (sharp & ~band).any()


def test_a_region_without_contrast_of_its_own_stays():
    planes, band, anomaly, _ = scene(0.0)
    assert np.array_equal(sharpen(band, band, anomaly, planes, SHARPENING), band)


def test_a_good_parts_own_edge_at_the_regions_rim_does_not_attract_it():
    planes, band, anomaly, _ = scene(0.0)
    planes[0, 32:35, 20:80] += 0.5  # a printed line where the map is low
    assert np.array_equal(sharpen(band, band, anomaly, planes, SHARPENING), band)


def test_a_region_that_fills_the_picture_has_no_surroundings_and_stays():
    full = np.ones((20, 20), np.bool_)
    assert sharpen(full, full, np.ones((20, 20), np.float32), np.zeros((1, 20, 20), np.float32), SHARPENING).all()


def test_an_empty_region_stays_empty():
    empty = np.zeros((20, 20), np.bool_)
    assert not sharpen(empty, empty, np.ones((20, 20), np.float32), np.zeros((1, 20, 20), np.float32), SHARPENING).any()
