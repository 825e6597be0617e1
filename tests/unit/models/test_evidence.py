import cv2
import numpy as np
import pytest

from models.evidence import encode_map, encode_mask, render_overlay
from models.facts import facts_of
from wire.errors import ShapeError
from wire.finding import Picture, Region


def picture(peak: float, threshold: float = 2.0) -> Picture:
    anomaly = np.zeros((8, 10), np.float32)
    anomaly[3, 4] = peak
    mask = np.zeros((64, 80), np.bool_)
    return Picture(map=anomaly, mask=mask, map_threshold=threshold)


IMAGE = np.full((64, 80, 3), 120, np.uint8)


def test_a_good_parts_overlay_is_the_image_itself():
    assert np.array_equal(render_overlay(IMAGE, picture(1.99), ()), IMAGE)


def test_heat_grows_with_the_excess_over_the_threshold_and_not_with_the_maps_own_maximum():
    weak, strong = render_overlay(IMAGE, picture(2.4), ()), render_overlay(IMAGE, picture(4.0), ())
    change = [int(np.abs(image.astype(int) - 120).sum()) for image in (weak, strong)]
    assert 0 < change[0] < change[1]
    assert np.array_equal(weak[40:], IMAGE[40:])  # far from the peak at (28, 36) nothing is drawn


def test_a_region_is_outlined_boxed_and_numbered():
    mask = np.zeros((64, 80), np.bool_)
    mask[20:30, 40:60] = True
    region = Region(
        index=0, modality="rgb", xyxy_px=(40, 20, 60, 30), area_px=200, score=5.0,
        facts=facts_of(mask, np.zeros((64, 80), np.uint8)),
    )  # fmt: skip
    drawn = render_overlay(IMAGE, Picture(map=np.zeros((8, 10), np.float32), mask=mask, map_threshold=1.0), (region,))
    red = (drawn == (255, 40, 40)).all(axis=2)
    assert red[20, 40:60].all()
    assert red[29, 40:60].all()
    assert red[20:30, 40].all()
    assert red[20:30, 59].all()
    assert not red[21:29, 41:59].any()


def test_a_grey_image_becomes_colour():
    assert render_overlay(IMAGE[:, :, 0], picture(0.0), ()).shape == (64, 80, 3)


def test_an_image_that_is_not_the_masks_is_refused():
    with pytest.raises(ShapeError, match=r"mask \(64, 80\) does not fit an image of 64 x 60"):
        render_overlay(IMAGE[:, :60], picture(0.0), ())


def test_a_map_survives_encoding_within_half_a_count():
    anomaly = np.array([[0.0, 1.5, 2.75], [7.0, 3.25, 0.125]], np.float32)
    data, scale = encode_map(anomaly)
    counts = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert counts.dtype == np.uint16
    assert counts[1, 0] == 65535
    assert np.abs(counts * scale - anomaly).max() <= scale / 2 * 1.01


def test_an_empty_map_stays_zero():
    data, scale = encode_map(np.zeros((2, 3), np.float32))
    assert scale == 1.0
    assert not cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED).any()


def test_a_mask_is_0_and_255():
    data = encode_mask(np.array([[True, False], [False, False]]))
    assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED).tolist() == [[255, 0], [0, 0]]
