"""Point cloud files: written by other libraries, by hand, and wrong in every way."""

import io
import struct
from pathlib import Path

import laspy
import numpy as np
import pytest

from stream.steps.lzf import decompress
from stream.steps.point_cloud import decode_point_cloud
from wire.errors import DecodeError
from wire.part import PointCloud

POINTS = np.array([[1, 2, 3], [4, 5, 6], [-1, 0, 2.5], [7, 8, 9]], np.float32)
FIELDS = b"# .PCD v0.7\nVERSION 0.7\nFIELDS x y z i\nSIZE 4 4 4 2\nTYPE F F F U\nCOUNT 1 1 1 2\n"


def decode(data: bytes, content_type: str = "application/octet-stream", **attributes: str) -> PointCloud:
    return decode_point_cloud(data, content_type=content_type, attributes=attributes)


def pcd(layout: bytes, body: bytes, *, width: int = 2, height: int = 2) -> bytes:
    size = b"WIDTH %d\nHEIGHT %d\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS %d\nDATA %s\n" % (
        width,
        height,
        width * height,
        layout,
    )
    return FIELDS + size + body


def rows() -> np.ndarray:
    table = np.zeros(4, [("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("i", "<u2", (2,))])
    for at, axis in enumerate("xyz"):
        table[axis] = POINTS[:, at]
    return table


def las(points: np.ndarray, *, compressed: bool, layers: bool = False) -> bytes:
    header = laspy.LasHeader(point_format=6 if layers else 3, version="1.4" if layers else "1.2")
    header.scales, header.offsets = np.full(3, 0.1), np.array([5.0, 0, 0])
    cloud = laspy.LasData(header)
    cloud.x, cloud.y, cloud.z = points.T.astype(np.float64)
    target = io.BytesIO()
    cloud.write(target, do_compress=compressed)
    return target.getvalue()


@pytest.mark.parametrize("suffix", ["ply", "pcd"])
@pytest.mark.parametrize(("ascii", "compressed"), [(True, False), (False, False), (False, True)])
def test_what_open3d_writes_is_read(tmp_path: Path, suffix: str, ascii: bool, compressed: bool) -> None:
    open3d = pytest.importorskip("open3d", reason="open3d needs Debian's libgl1, libgomp1 and libusb-1.0-0")
    points = np.random.default_rng(3).normal(0, 100, (500, 3)).round(2)
    cloud = open3d.geometry.PointCloud(open3d.utility.Vector3dVector(points))
    cloud.paint_uniform_color([0.2, 0.4, 0.6])
    path = tmp_path / f"cloud.{suffix}"
    assert open3d.io.write_point_cloud(str(path), cloud, write_ascii=ascii, compressed=compressed)
    found = decode(path.read_bytes())
    np.testing.assert_allclose(found.xyz_mm, points, atol=1e-3)
    assert found.grid is None


@pytest.mark.parametrize("compressed", [False, True])
def test_las_and_laz_are_read_with_scale_and_offset(compressed: bool) -> None:
    found = decode(las(POINTS, compressed=compressed), pointscale="1000")
    np.testing.assert_allclose(found.xyz_mm, POINTS * 1000, atol=50)
    np.testing.assert_allclose(found.xyz_mm[2], [-1000, 0, 2500], atol=0.1)


def test_pcd_is_organised_where_it_has_rows() -> None:
    text = b"\n".join(b"%g %g %g 7 8" % tuple(point) for point in POINTS.tolist())
    for data in (pcd(b"ascii", text), pcd(b"binary", rows().tobytes())):
        found = decode(data)
        np.testing.assert_array_equal(found.xyz_mm, POINTS)
        assert found.grid == (2, 2)
    assert decode(pcd(b"binary", rows().tobytes(), width=4, height=1)).grid is None


def test_pcd_without_returns_keeps_its_holes() -> None:
    found = decode(pcd(b"ascii", b"nan nan nan 0 0\n1 2 3 0 0\n" * 2))
    assert np.isnan(found.xyz_mm[:, 0]).tolist() == [True, False, True, False]


@pytest.mark.parametrize(
    ("packed", "plain"),
    [
        (b"\x02abc", b"abc"),
        (b"\x02abc\x20\x02", b"abcabc"),  # three bytes from three back
        (b"\x00a\xe0\x03\x00", b"a" * 13),  # 7 + 3 + 2 bytes from one back: into what is being written
    ],
)
def test_lzf_by_hand(packed: bytes, plain: bytes) -> None:
    assert decompress(packed, len(plain)) == plain


@pytest.mark.parametrize(
    ("packed", "size", "message"),
    [
        (b"\x02ab", 3, "stands for 2 bytes or more, expected 3"),
        (b"\x20\x00", 3, "refers to what lies before its beginning"),
        (b"\x00a\xe0", 3, "ends inside a reference"),
        (b"\x1f" + bytes(32), 3, "stands for 32 bytes or more, expected 3"),
    ],
)
def test_lzf_that_is_none_says_why(packed: bytes, size: int, message: str) -> None:
    with pytest.raises(DecodeError, match=message):
        decompress(packed, size)


@pytest.mark.parametrize(
    "text",
    [
        b"1 2 3\n4 5 6\n-1 0 2.5\n7 8 9\n",
        b"# x y z\n// made by hand\n\n1,2,3,255\n4,5,6,0\n-1,0,2.5,1\n7,8,9,2\n",
        b"X;Y;Z\r\n1;2;3\r\n4;5;6\r\n-1;0;2.5\r\n7;8;9",
    ],
)
def test_xyz_text(text: bytes) -> None:
    np.testing.assert_array_equal(decode(text, "text/plain").xyz_mm, POINTS)


def test_ply_of_the_other_byte_order() -> None:
    header = b"ply\nformat binary_big_endian 1.0\nelement vertex 4\nproperty float x\nproperty float y\n"
    found = decode(header + b"property float z\nend_header\n" + POINTS.astype(">f4").tobytes())
    np.testing.assert_array_equal(found.xyz_mm, POINTS)


def test_a_cloud_of_a_calibrated_line_names_its_camera() -> None:
    camera = {"intrinsics": "100,110,32,24", "imagesize": "64,48", "calibration": "7"}
    found = decode(POINTS.tobytes(), sensortocamera="1,0,0,5,0,1,0,6,0,0,1,7", **camera)
    assert found.camera is not None
    assert (found.camera.fy_px, found.camera.width, found.camera.calibration) == (110, 64, "7")
    assert found.camera.sensor_to_camera[3::4] == (5, 6, 7)
    assert decode(POINTS.tobytes(), **camera).camera is None


@pytest.mark.parametrize(
    ("data", "content_type", "message"),
    [
        (b"# .PCD\nFIELDS x y z\n", "", "PCD without DATA line"),
        (b"VERSION 7\nDATA ascii\n1 2 3", "", "PCD without FIELDS, SIZE, TYPE, WIDTH, HEIGHT"),
        (pcd(b"binary", b"short"), "", "PCD cannot be read"),
        (pcd(b"binary", b"", width=10**6, height=10**6), "", "PCD with 1000000000000 points"),
        (pcd(b"binary", b"", width=0), "", "PCD with 0 points"),
        (pcd(b"zip", b""), "", "PCD data 'zip' is none of"),
        (pcd(b"binary_compressed", struct.pack("<II", 10, 63)), "", "PCD names 63 bytes for 4 points of 16 bytes"),
        (pcd(b"binary_compressed", struct.pack("<II", 10, 64)), "", "PCD ends after 8 of 18 compressed bytes"),
        (FIELDS.replace(b"TYPE F", b"TYPE Q") + b"WIDTH 1\nHEIGHT 1\nDATA ascii\n", "", "PCD cannot be read"),
        (FIELDS.replace(b"COUNT 1", b"COUNT 2147483648") + b"WIDTH 1\nHEIGHT 1\nDATA ascii\n", "", "PCD with fields x"),
        (b"LASF" + bytes(300), "", "LAS cannot be read"),
        (b"LASF", "", "LAS names 0 records of its header in 4 bytes"),
        (b"1 2 3\n4 5", "text/plain", "XYZ line 2 has 2 numbers, expected 3"),
        (b"1 2 three", "text/plain", "XYZ cannot be read"),
        ("1 2 3 µ".encode(), "text/plain", "XYZ cannot be read"),
        (b"# nothing", "text/plain", "XYZ with 0 points"),
    ],
)
def test_a_file_that_is_no_cloud_says_why(data: bytes, content_type: str, message: str) -> None:
    with pytest.raises(DecodeError, match=message):
        decode(data, content_type)


def test_las_that_names_more_points_than_it_has_is_refused() -> None:
    whole = bytearray(las(POINTS, compressed=False))
    whole[107:111] = (1_000_000).to_bytes(4, "little")  # the number of points in a LAS 1.2 header
    with pytest.raises(DecodeError, match=r"LAS names 1000000 points in \d+ bytes"):
        decode(bytes(whole))
    with pytest.raises(DecodeError, match="LAS"):
        decode(las(POINTS, compressed=False)[:-20])


def test_laz_that_names_more_chunks_than_it_has_bytes_does_not_reach_the_decoder() -> None:
    whole = bytearray(las(POINTS, compressed=True))
    begin = int.from_bytes(whole[96:100], "little")  # where the points begin, first of all the place of the chunk table
    table = int.from_bytes(whole[begin : begin + 8], "little")
    whole[table + 4 : table + 8] = b"\xff\xff\xff\x7f"
    with pytest.raises(DecodeError, match="LAZ names 2147483647 chunks"):
        decode(bytes(whole))


def test_las_that_names_billions_of_header_records_is_refused_at_once() -> None:
    whole = bytearray(las(POINTS, compressed=True))
    whole[100:104] = b"\xff\xff\xff\xff"
    with pytest.raises(DecodeError, match="LAS names 4294967295 records of its header"):
        decode(bytes(whole))


def test_laz_in_layers_is_read_and_a_layer_longer_than_the_file_is_refused() -> None:
    whole = bytearray(las(POINTS, compressed=True, layers=True))
    np.testing.assert_allclose(decode(bytes(whole)).xyz_mm, POINTS, atol=0.05)
    begin = int.from_bytes(whole[96:100], "little")
    sizes = begin + 8 + 30 + 4  # behind the table's place, the first point (format 6) and the number of points
    whole[sizes + 4 : sizes + 8] = b"\xff\xff\xff\x7f"
    with pytest.raises(DecodeError, match="LAZ names a layer of 2147483647 bytes"):
        decode(bytes(whole))
