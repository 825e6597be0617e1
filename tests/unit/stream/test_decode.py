"""Payloads to arrays, and every way in which they fail."""

import hashlib

import numpy as np
import pytest

from stream.steps.decode import check_claim, decode_content
from stream.steps.point_cloud import decode_point_cloud
from tests.unit.stream.made_records import BEGIN, PNG
from wire.errors import DecodeError
from wire.frame import Claim, FrameKind
from wire.image_codec import encode_png
from wire.sensor_window import SensorChannel, SensorWindow

POINTS = np.array([[1, 2, 3], [4, 5, 6], [-1, 0, 2.5], [7, 8, 9]], np.float32)


def test_image_has_three_channels() -> None:
    content = decode_content(FrameKind.IMAGE, "rgb", PNG, content_type="image/png", attributes={})
    assert content.image is not None
    assert content.image.shape == (8, 8, 3)
    assert content.nbytes == 192


def test_twelve_bit_camera_uses_the_full_range() -> None:
    png = encode_png(np.array([[0, 4095]], np.uint16))
    content = decode_content(FrameKind.IMAGE, "rgb", png, content_type="image/png", attributes={"bitdepth": "12"})
    assert content.image is not None
    assert content.image[0, :, 0].tolist() == [0, 65520]


def test_depth_is_in_millimetres_and_zero_is_no_return() -> None:
    png = encode_png(np.array([[0, 100], [200, 65535]], np.uint16))
    content = decode_content(FrameKind.IMAGE, "depth", png, content_type="image/png", attributes={"depthscale": "0.5"})
    assert content.depth_mm is not None
    np.testing.assert_array_equal(content.depth_mm, np.array([[np.nan, 50], [100, 32767.5]], np.float32))
    assert content.nbytes == 16


def test_sensor_window_is_read_as_it_was_captured() -> None:
    window = SensorWindow(
        triggered_at=BEGIN,
        before_s=1,
        after_s=1,
        channels=(SensorChannel(name="t", times_s=(0.0,), values=(20.5,), statuses=(0,)),),
    )
    content = decode_content(
        FrameKind.SENSOR, "sensor", window.to_json(), content_type="application/json", attributes={}
    )
    assert content.sensor == window
    assert content.nbytes > 0


def test_raw_points_with_extra_fields() -> None:
    table = np.column_stack([np.arange(4), POINTS[:, [2, 0, 1]]]).astype("<f4")
    cloud = decode_point_cloud(
        table.tobytes(), content_type="application/octet-stream", attributes={"pointfields": "i,z,x,y"}
    )
    np.testing.assert_array_equal(cloud.xyz_mm, POINTS)
    assert cloud.grid is None


def test_organised_points_in_metres() -> None:
    cloud = decode_point_cloud(
        POINTS.astype("<f4").tobytes(),
        content_type="application/octet-stream",
        attributes={"pointscale": "1000", "gridwidth": "2", "gridheight": "2"},
    )
    np.testing.assert_array_equal(cloud.xyz_mm, POINTS * 1000)
    assert cloud.grid == (2, 2)


HEADER = b"ply\nformat %s 1.0\nelement vertex 4\nproperty float x\nproperty float y\nproperty double z\n%send_header\n"


@pytest.mark.parametrize("faces", [b"", b"element face 1\nproperty list uchar int vertex_indices\n"])
def test_ply_binary_and_ascii_are_read_alike(faces: bytes) -> None:
    vertices = np.zeros(4, [("x", "<f4"), ("y", "<f4"), ("z", "<f8")])
    for at, axis in enumerate("xyz"):
        vertices[axis] = POINTS[:, at]
    binary = HEADER % (b"binary_little_endian", faces) + vertices.tobytes() + b"\x03tail"
    ascii_text = "\n".join(" ".join(str(value) for value in row) for row in POINTS.tolist())
    text = HEADER % (b"ascii", faces) + ascii_text.encode() + b"\n3 0 1 2\n"
    for data in (binary, text):
        cloud = decode_point_cloud(data, content_type="application/x-ply", attributes={})
        np.testing.assert_array_equal(cloud.xyz_mm, POINTS)


@pytest.mark.parametrize(
    ("data", "attributes", "message"),
    [
        (b"1234567", {}, "7 bytes are no multiple of 12"),
        (b"0" * 12, {"pointfields": "x,y"}, "lacks z"),
        (b"0" * 24, {"gridwidth": "3", "gridheight": "1"}, "a grid of 1 x 3 does not hold 2 points"),
        (b"0" * 24, {"gridwidth": "a"}, "ce_gridwidth is 'a', expected a number"),
        (b"0" * 12, {"pointscale": "-1"}, "ce_pointscale is '-1', expected a positive number"),
        (b"ply\nno header", {}, "PLY without end_header"),
        (HEADER % (b"binary_middle_endian", b""), {}, "is none of ascii, binary_little_endian, binary_big_endian"),
        (HEADER % (b"binary_little_endian", b"") + b"short", {}, "PLY cannot be read"),
        (HEADER % (b"ascii", b"") + b"1 2 x", {}, "PLY cannot be read"),
        (b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nend_header\n1", {}, "of properties ['x']"),
        (
            b"ply\nformat ascii 1.0\nelement vertex 1\nproperty list uchar int x\nend_header\n1",
            {},
            "PLY vertices with list properties",
        ),
        (b"ply\nformat ascii 1.0\nelement face 1\nend_header\n1", {}, "lies before the vertices"),
    ],
)
def test_cloud_that_is_none_says_why(data: bytes, attributes: dict[str, str], message: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_point_cloud(data, content_type="application/octet-stream", attributes=attributes)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("modality", "data", "attributes", "reason"),
    [
        ("rgb", b"", {}, "empty"),
        ("rgb", PNG[:30], {}, "truncated"),
        ("rgb", b"no image", {}, "image"),
        ("rgb", PNG, {"bitdepth": "17"}, "attribute"),
        ("depth", PNG, {}, "attribute"),
        ("depth", PNG, {"depthscale": "nan"}, "attribute"),
        ("depth", PNG, {"depthscale": "0"}, "attribute"),
    ],
)
def test_broken_payload_has_a_reason(modality: str, data: bytes, attributes: dict[str, str], reason: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_content(FrameKind.IMAGE, modality, data, content_type="image/png", attributes=attributes)
    assert caught.value.reason == reason


def test_sensor_payload_that_is_no_json_has_a_reason() -> None:
    with pytest.raises(DecodeError, match="json"):
        decode_content(FrameKind.SENSOR, "sensor", b"{", content_type="application/json", attributes={})


def test_claim_names_exactly_its_bytes() -> None:
    claim = Claim(ref="k", sha256=hashlib.sha256(b"abc").hexdigest(), size=3)
    assert check_claim(claim, b"abc") == b"abc"
    with pytest.raises(DecodeError, match="has 2 bytes, claimed 3"):
        check_claim(claim, b"ab")
    with pytest.raises(DecodeError, match="has sha256"):
        check_claim(claim, b"abd")
