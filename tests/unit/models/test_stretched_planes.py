import numpy as np

from models.backbones.planes import Planes, on_camera_grid, stretched


def planes(height: int, width: int, *, valid: np.ndarray | None = None) -> Planes:
    """Values grow by 1 per pixel to the right."""
    row = np.broadcast_to(np.arange(width, dtype=np.float32), (3, height, width))
    return Planes(values=np.ascontiguousarray(row), size=(height, width), valid=valid)


def test_what_fits_stays_the_same_object():
    fitting = planes(64, 96)
    assert stretched(fitting, 32) is fitting


def test_each_side_grows_to_its_next_multiple_and_shows_the_whole_picture():
    wide = stretched(planes(33, 64), 32)
    assert wide.values.shape == (3, 64, 64)
    assert wide.size == (33, 64)
    narrow = stretched(planes(64, 48), 32).values[0, 0]
    # 48 px on 64: the first pixel's centre lies at (0 + .5) * .75 - .5 = -.125 px, the last one's at 47.125.
    assert narrow[0] == 0
    assert narrow[1] == 0.625
    assert narrow[-1] == 47


def test_a_pixel_beside_a_hole_is_mixed_and_not_valid():
    valid = np.ones((32, 48), np.bool_)
    valid[:, 24:] = False
    seen = stretched(planes(32, 48, valid=valid), 32).valid
    assert seen is not None
    # Column 31 of 64 looks at 23.125 px, between the last valid one and the hole.
    assert seen[:, :31].all()
    assert not seen[:, 31:].any()


def test_the_camera_grid_gets_the_values_back_unless_they_are_coarser():
    picture = planes(50, 70)
    back = on_camera_grid(stretched(picture, 32))
    assert back is not None
    assert back.shape == (3, 50, 70)
    assert np.abs(back[:, :, 2:-2] - picture.values[:, :, 2:-2]).max() < 0.2
    assert on_camera_grid(Planes(values=picture.values, size=(100, 140))) is None
