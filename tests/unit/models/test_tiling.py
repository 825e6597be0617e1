"""Tiles of large pictures, and one map again (SYSTEMS C 29)."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from models.backbones.tiling import Tiling, Window, stitched, windows_of


def averages(window: Window, picture: NDArray[np.float32], cell: int) -> NDArray[np.float32]:
    """A map of one tile: means over cells of ``cell`` px."""
    own = window.of(picture)
    rows, columns = own.shape[0] // cell, own.shape[1] // cell
    return own[: rows * cell, : columns * cell].reshape(rows, cell, columns, cell).mean(axis=(1, 3))


def test_a_small_picture_is_seen_whole_and_a_large_one_in_tiles_that_cover_it():
    tiling = Tiling(tile_px=64, overlap=0.25)
    assert windows_of((96, 40), tiling, stride_px=4) == [Window(top=0, left=0, height=96, width=40)]
    assert windows_of((960, 400), None, stride_px=4) == [Window(top=0, left=0, height=960, width=400)]
    for size in [(97, 40), (200, 333), (64, 1000)]:
        windows = windows_of(size, tiling, stride_px=4)
        seen = np.zeros(size, np.int64)
        for window in windows:
            assert window.top % 4 == window.left % 4 == 0
            seen[window.top : window.top + window.height, window.left : window.left + window.width] += 1
        assert seen.min() >= 1
        assert max(window.height for window in windows) <= 64 + 4
        assert max(window.width for window in windows) <= 64 + 4


def test_neighbours_overlap_by_at_least_the_share_that_was_asked_for():
    windows = windows_of((64, 300), Tiling(tile_px=64, overlap=0.25), stride_px=4)
    begins = [window.left for window in windows]
    assert begins == sorted(begins)
    assert all(before + 64 - after >= 16 - 4 for before, after in pairwise(begins))


def test_tiles_without_overlap_give_the_map_of_a_single_pass():
    picture = np.random.default_rng(0).random((128, 192)).astype(np.float32)
    windows = windows_of((128, 192), Tiling(tile_px=64, overlap=0.0), stride_px=8)
    assert len(windows) == 6
    whole = averages(Window(top=0, left=0, height=128, width=192), picture, 8)
    joined = stitched([averages(window, picture, 8) for window in windows], windows, (128, 192), stride_px=8)
    np.testing.assert_allclose(joined, whole, rtol=1e-6)


def test_overlapping_tiles_that_agree_give_the_map_of_a_single_pass():
    picture = np.random.default_rng(0).random((128, 192)).astype(np.float32)
    windows = windows_of((128, 192), Tiling(tile_px=64, overlap=0.5), stride_px=8)
    whole = averages(Window(top=0, left=0, height=128, width=192), picture, 8)
    joined = stitched([averages(window, picture, 8) for window in windows], windows, (128, 192), stride_px=8)
    np.testing.assert_allclose(joined, whole, atol=1e-6)


def test_where_tiles_disagree_the_map_goes_over_from_one_to_the_other_without_a_step():
    size = (64, 160)
    windows = windows_of(size, Tiling(tile_px=64, overlap=0.5), stride_px=4)
    maps = [np.full((16, 16), index % 2, np.float32) for index in range(len(windows))]
    joined = stitched(maps, windows, size, stride_px=4)
    assert joined.shape == (16, 40)
    assert float(joined.min()) >= 0
    assert float(joined.max()) <= 1
    # From 0 to 1 over the 8 cells or so that neighbours share: no step of more than a quarter.
    assert float(np.abs(np.diff(joined, axis=1)).max()) <= 0.25
    assert joined[0, 0] == 0


@pytest.mark.parametrize("size", [(50, 70), (33, 131), (131, 33)])
def test_any_size_has_a_value_for_every_stride(size: tuple[int, int]):
    windows = windows_of(size, Tiling(tile_px=32, overlap=0.25), stride_px=4)
    joined = stitched([np.full((3, 5), 2.5, np.float32) for _ in windows], windows, size, stride_px=4)
    assert joined.shape == (-(-size[0] // 4), -(-size[1] // 4))
    np.testing.assert_allclose(joined, 2.5, rtol=1e-6)


def test_a_value_lies_where_its_pixels_are():
    picture = np.zeros((256, 256), np.float32)
    picture[200:208, 40:48] = 1
    windows = windows_of((256, 256), Tiling(tile_px=96, overlap=0.25), stride_px=4)
    joined = stitched([averages(window, picture, 8) for window in windows], windows, (256, 256), stride_px=4)
    row, column = np.unravel_index(int(joined.argmax()), joined.shape)
    assert abs((row + 0.5) * 4 - 204) <= 4
    assert abs((column + 0.5) * 4 - 44) <= 4
