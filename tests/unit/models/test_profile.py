import numpy as np
import open_clip
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from timm.data.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD

from models.backbones.profile import Fit, Placement, Profile, resize
from models.backbones.profile_presets import clip_profile, detector_profile, imagenet_profile, sam_profile
from wire.errors import ShapeError
from wire.image_codec import decode_image, encode_png

PLAIN = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}


def overlap(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    width = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    height = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return width * height / (areas - width * height)


@pytest.mark.parametrize("fit", [Fit.SQUASH, Fit.PAD, Fit.LETTERBOX])
@pytest.mark.parametrize(("height", "width"), [(480, 640), (333, 1001), (97, 61), (240, 240), (1201, 800)])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_a_drawn_box_comes_back_through_frame_and_map(fit: Fit, height: int, width: int, depth: type):
    profile = Profile(frame=(1024, 1024), fit=fit, **PLAIN)
    box = (width // 5, height // 3, width // 5 + width // 2, height // 3 + height // 4)
    image = np.zeros((height, width, 3), depth)
    image[box[1] : box[3], box[0] : box[2]] = np.iinfo(depth).max
    prepared = profile.prepare(image)
    assert prepared.pixels.shape == (3, 1024, 1024)
    mask = prepared.placement.to_camera(prepared.pixels[0]) > 0.5
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    found = (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
    assert overlap(found, box) > 0.98


@given(
    height=st.integers(17, 3000),
    width=st.integers(17, 3000),
    fit=st.sampled_from(list(Fit)),
    rows=st.integers(16, 1024),
    columns=st.integers(16, 1024),
)
@settings(max_examples=200, deadline=None)
def test_a_box_survives_the_way_there_and_back_at_any_size_and_aspect(
    height: int, width: int, fit: Fit, rows: int, columns: int
):
    placement = Profile(frame=(rows, columns), fit=fit, **PLAIN).placement(height, width)
    box = (1.5, 2.25, width - 3.0, height - 4.5)
    back = placement.box_to_camera(placement.box_to_frame(box))
    assert np.abs(np.subtract(back, box)).max() < 0.5


@pytest.mark.parametrize("fit", list(Fit))
def test_a_ramp_over_the_frame_is_read_where_the_camera_pixel_lies(fit: Fit):
    placement = Profile(frame=(120, 160), fit=fit, **PLAIN).placement(301, 211)
    ramp = np.broadcast_to((np.arange(160) + 0.5).astype(np.float32), (120, 160)).copy()
    full = placement.to_camera(ramp, outside=-1)
    left, _, _, _ = placement.box_to_frame((100.5, 0, 101.5, 1))  # the centre of pixel 100
    assert full[150, 100] == pytest.approx(left, abs=1e-3)
    # A map of cells instead of pixels says the same, within half a pixel of the frame.
    cells = ramp.reshape(12, 10, 16, 10).mean(axis=(1, 3))
    assert placement.to_camera(cells)[150, 100] == pytest.approx(left, abs=0.5)


PRESETS = {
    "CLIP, 240": (clip_profile(), (240, 240), Fit.SQUASH),
    "SAM, 1024": (sam_profile(), (1024, 1024), Fit.PAD),
    "ImageNet, 224": (imagenet_profile(), (224, 224), Fit.CROP),
    "detector, 640": (detector_profile(), (640, 640), Fit.LETTERBOX),
}


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(("height", "width"), [(480, 641), (333, 601), (97, 61)])
@pytest.mark.parametrize("kind", ["grey", "grey 16 bit", "colour"])
def test_a_box_comes_back_from_every_published_frame_whatever_the_camera(
    preset: str, height: int, width: int, kind: str
):
    profile, frame, fit = PRESETS[preset]
    assert (profile.frame, profile.fit) == (frame, fit)
    # In the middle, so that the crop shows it, too, and of a quarter of the sides.
    box = (width // 2 - width // 8, height // 2 - height // 8, width // 2 + width // 8, height // 2 + height // 8)
    depth = np.uint16 if kind == "grey 16 bit" else np.uint8
    image = np.zeros((height, width, 3) if kind == "colour" else (height, width), depth)
    image[box[1] : box[3], box[0] : box[2]] = np.iinfo(depth).max
    prepared = profile.prepare(decode_image(encode_png(image)))
    mask = prepared.placement.to_camera(prepared.pixels[1]) > 0.5
    truth = np.zeros((height, width), np.bool_)
    truth[box[1] : box[3], box[0] : box[2]] = True
    assert (mask & truth).sum() / (mask | truth).sum() > 0.98


def test_the_numbers_of_the_presets_are_the_published_ones():
    assert clip_profile().mean == open_clip.OPENAI_DATASET_MEAN
    assert clip_profile().std == open_clip.OPENAI_DATASET_STD
    for own, published in (
        (sam_profile().mean, (123.675, 116.28, 103.53)),
        (sam_profile().std, (58.395, 57.12, 57.375)),
    ):
        assert own == pytest.approx([each / 255 for each in published], abs=1e-6)
    assert imagenet_profile().mean == IMAGENET_DEFAULT_MEAN
    assert imagenet_profile().std == IMAGENET_DEFAULT_STD


def test_what_a_crop_does_not_show_is_outside():
    placement = Profile(frame=(100, 100), fit=Fit.CROP, **PLAIN).placement(100, 300)
    assert placement == Placement(camera=(100, 300), scaled=(100, 300), corner=(0, -100), frame=(100, 100))
    full = placement.to_camera(np.ones((10, 10), np.float32), outside=-5)
    assert (full[:, :100] == -5).all()
    assert (full[:, 100:200] == 1).all()
    assert (full[:, 200:] == -5).all()


def test_padding_lies_at_the_bottom_for_a_wide_image_and_is_black():
    prepared = Profile(frame=(64, 64), fit=Fit.PAD, **PLAIN).prepare(np.full((32, 64, 3), 255, np.uint8))
    assert (prepared.pixels[:, :32] == 1).all()
    assert (prepared.pixels[:, 32:] == 0).all()
    assert prepared.placement.seen == (slice(0, 32), slice(0, 64))


def test_sixteen_bits_keep_more_than_eight():
    image = np.full((20, 20, 3), 1000, np.uint16)
    pixels = Profile(frame=(20, 20), fit=Fit.SQUASH, **PLAIN).prepare(image).pixels
    assert pixels[0, 0, 0] == pytest.approx(1000 / 65535)


def test_fine_texture_is_averaged_and_not_aliased_into_a_pattern():
    stripes = np.tile(np.asarray([0, 1], np.float32), 64)[None, :, None].repeat(128, 0).repeat(3, 2)
    assert resize(stripes, (32, 32)) == pytest.approx(np.full((32, 32, 3), 0.5), abs=1e-6)


def test_an_image_without_three_channels_is_refused():
    profile = Profile(frame=(8, 8), fit=Fit.SQUASH, **PLAIN)
    with pytest.raises(ShapeError, match=r"shape \(9, 9\) and type uint8, expected \(H, W, 3\) uint8 or uint16"):
        profile.prepare(np.zeros((9, 9), np.uint8))
