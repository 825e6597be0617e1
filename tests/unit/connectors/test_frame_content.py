"""What travels of a camera's buffer: pictures are encoded, points of a 3D camera go as they are."""

import numpy as np
import pytest

from connectors.errors import RejectedInput
from connectors.frame_encoding import FrameEncoding
from connectors.genicam.device import RawPicture
from connectors.genicam.frame_content import FrameContent, frame_content
from stream.steps.point_cloud import decode_point_cloud
from wire.frame import FrameKind
from wire.image_codec import decode_image

COORD3D_ABC32F = 0x026000C0
MONO12 = 0x01100005


def content(data: bytes, code: int, *, width: int, height: int, padding: int = 0) -> FrameContent:
    raw = RawPicture(data=np.frombuffer(data, np.uint8), code=code, width=width, height=height, padding=padding)
    return frame_content(raw, FrameEncoding.JPEG, jpeg_quality=92)


def test_a_picture_of_more_than_eight_bits_is_a_png_that_says_how_many() -> None:
    found = content(bytes([0x23, 0x01, 0xFF, 0x0F]), MONO12, width=2, height=1)
    assert (found.kind, found.content_type, found.attributes) == (FrameKind.IMAGE, "image/png", {"bitdepth": "12"})
    assert decode_image(found.data)[0, :, 0].tolist() == [0x123, 0xFFF]


def test_points_of_a_3d_camera_are_an_organised_cloud() -> None:
    rows = [[[1, 2, 300], [4, 5, 301], [0, 0, 0]], [[7, 8, 302], [np.nan] * 3, [-1, 0, 303]]]
    padded = b"".join(np.array(row, "<f4").tobytes() + b"\xff" * 8 for row in rows)
    found = content(padded, COORD3D_ABC32F, width=3, height=2, padding=8)
    assert found.kind is FrameKind.POINTCLOUD
    cloud = decode_point_cloud(found.data, content_type=found.content_type, attributes=found.attributes)
    assert cloud.grid == (2, 3)
    expected = np.array(rows, np.float32)
    expected[0, 2] = np.nan  # the origin: a pixel without return
    np.testing.assert_array_equal(cloud.xyz_mm.reshape(2, 3, 3), expected)


def test_a_buffer_that_ends_within_its_points_is_refused() -> None:
    with pytest.raises(RejectedInput, match="71 bytes hold no 3 x 2 points of 12 bytes"):
        content(bytes(71), COORD3D_ABC32F, width=3, height=2)
