"""Point cloud payloads to arrays: raw float32 with named fields, PLY, PCD, LAS and LAZ, XYZ text."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from stream.steps import las, pcd, ply
from stream.steps.point_table import PointTable, check_count
from stream.steps.xyz_text import read_xyz
from wire.errors import DecodeError
from wire.part import PointCloud
from wire.pinhole_camera import PinholeCamera


def decode_point_cloud(data: bytes, *, content_type: str, attributes: Mapping[str, str]) -> PointCloud:
    """Decode to xyz in mm. ``pointscale`` = mm per unit (default 1), ``gridwidth`` and ``gridheight`` if organised.

    The camera onto whose picture it is projected, if any, is that of the attributes (``PinholeCamera``). What begins
    like a file of some format is read as one, whatever its content type; text types are XYZ, everything else is raw.
    DecodeError('pointcloud' | 'attribute') on anything that is no cloud.
    """
    table = _read(data, content_type, attributes)
    scale = _number(attributes, "pointscale", default=1.0)
    with np.errstate(over="ignore", invalid="ignore"):
        xyz_mm = np.ascontiguousarray(table.xyz * np.float32(scale))
    return PointCloud(
        xyz_mm=xyz_mm,
        grid=_grid(attributes, len(xyz_mm)) or table.grid,
        camera=PinholeCamera.from_attributes(attributes),
    )


def _read(data: bytes, content_type: str, attributes: Mapping[str, str]) -> PointTable:
    if data.startswith(ply.MARK) or "ply" in content_type:
        return ply.read_ply(data)
    if data.startswith(pcd.MARKS) or "pcd" in content_type:
        return pcd.read_pcd(data)
    if data.startswith(las.MARK) or "vnd.las" in content_type:
        return las.read_las(data)
    if content_type.startswith("text/") or "xyz" in content_type:
        return read_xyz(data)
    return PointTable(xyz=_read_raw(data, attributes.get("pointfields", "x,y,z").split(",")))


def _read_raw(data: bytes, fields: list[str]) -> NDArray[np.float32]:
    """(N, 3) from interleaved float32 little-endian values."""
    missing = [axis for axis in "xyz" if axis not in fields]
    if missing:
        raise DecodeError("attribute", f"ce_pointfields {','.join(fields)!r} lacks {', '.join(missing)}")
    stride = 4 * len(fields)
    if not data or len(data) % stride:
        raise DecodeError("pointcloud", f"{len(data)} bytes are no multiple of {stride} ({len(fields)} float32)")
    check_count(len(data) // stride, "a raw cloud")
    points = np.frombuffer(data, "<f4").reshape(-1, len(fields))  # (N, F)
    return points[:, [fields.index(axis) for axis in "xyz"]].astype(np.float32)


def _grid(attributes: Mapping[str, str], points: int) -> tuple[int, int] | None:
    if "gridwidth" not in attributes and "gridheight" not in attributes:
        return None
    height, width = (int(_number(attributes, name, default=0)) for name in ("gridheight", "gridwidth"))
    if height * width != points:
        raise DecodeError("attribute", f"a grid of {height} x {width} does not hold {points} points")
    return height, width


def _number(attributes: Mapping[str, str], name: str, *, default: float) -> float:
    text = attributes.get(name)
    if text is None:
        return default
    try:
        number = float(text)
    except ValueError as error:
        raise DecodeError("attribute", f"ce_{name} is {text!r}, expected a number") from error
    if not np.isfinite(number) or number <= 0:
        raise DecodeError("attribute", f"ce_{name} is {text!r}, expected a positive number")
    return number
