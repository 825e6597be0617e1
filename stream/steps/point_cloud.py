"""Point cloud payloads to arrays: little-endian float32 with named fields, and PLY (ASCII, binary little-endian)."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wire.errors import DecodeError
from wire.part import PointCloud

_PLY_MARK = b"ply"
_PLY_END = b"end_header"
# A PLY header names a handful of properties; a "header" that is longer is no header.
_PLY_HEADER_MAX_BYTES = 16 * 1024
_PLY_TYPES: Final = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "<i2", "int16": "<i2", "ushort": "<u2",
    "uint16": "<u2", "int": "<i4", "int32": "<i4", "uint": "<u4", "uint32": "<u4", "float": "<f4", "float32": "<f4",
    "double": "<f8", "float64": "<f8",
}  # fmt: skip


def decode_point_cloud(data: bytes, *, content_type: str, attributes: Mapping[str, str]) -> PointCloud:
    """Decode to xyz in mm. ``pointscale`` = mm per unit (default 1), ``gridwidth`` and ``gridheight`` if organised.

    DecodeError('pointcloud' | 'attribute') on anything that is no cloud.
    """
    if data.startswith(_PLY_MARK) or "ply" in content_type:
        xyz = _read_ply(data)
    else:
        xyz = _read_raw(data, attributes.get("pointfields", "x,y,z").split(","))
    scale = _number(attributes, "pointscale", default=1.0)
    return PointCloud(xyz_mm=np.ascontiguousarray(xyz * np.float32(scale)), grid=_grid(attributes, len(xyz)))


def _read_raw(data: bytes, fields: list[str]) -> NDArray[np.float32]:
    """(N, 3) from interleaved float32 little-endian values."""
    missing = [axis for axis in "xyz" if axis not in fields]
    if missing:
        raise DecodeError("attribute", f"ce_pointfields {','.join(fields)!r} lacks {', '.join(missing)}")
    stride = 4 * len(fields)
    if not data or len(data) % stride:
        raise DecodeError("pointcloud", f"{len(data)} bytes are no multiple of {stride} ({len(fields)} float32)")
    points = np.frombuffer(data, "<f4").reshape(-1, len(fields))  # (N, F)
    return points[:, [fields.index(axis) for axis in "xyz"]].astype(np.float32)


def _read_ply(data: bytes) -> NDArray[np.float32]:
    """(N, 3) from the vertices of a PLY file; other elements are ignored."""
    end = data.find(_PLY_END, 0, _PLY_HEADER_MAX_BYTES)
    body = data.find(b"\n", end) + 1
    if end < 0 or body == 0:
        raise DecodeError("pointcloud", "PLY without end_header")
    layout = ""
    count = -1
    properties: list[tuple[str, str]] = []
    element = ""
    try:
        for line in data[:end].decode("ascii").splitlines():
            match line.split():
                case ["format", layout, _]:
                    pass
                case ["element", element, number]:
                    if element == "vertex":
                        count = int(number)
                    elif count < 0:
                        raise DecodeError("pointcloud", f"PLY element {element!r} lies before the vertices")
                case ["property", "list", *_] if element == "vertex":
                    raise DecodeError("pointcloud", "PLY vertices with list properties")
                case ["property", kind, name] if element == "vertex":
                    properties.append((name, _PLY_TYPES[kind]))
        names = [name for name, _ in properties]
        if count < 1 or not {"x", "y", "z"} <= set(names):
            raise DecodeError("pointcloud", f"PLY with {count} vertices of properties {names}")
        if layout == "ascii":
            rows = data[body:].decode("ascii").split(None, count * len(names))[: count * len(names)]
            table = np.array(rows, dtype=np.float64).reshape(count, len(names))  # (N, P)
            return table[:, [names.index(axis) for axis in "xyz"]].astype(np.float32)
        if layout != "binary_little_endian":
            raise DecodeError("pointcloud", f"PLY format {layout!r} is neither ascii nor binary_little_endian")
        vertices = np.frombuffer(data, np.dtype(properties), count=count, offset=body)
        return np.stack([vertices[axis] for axis in "xyz"], axis=1).astype(np.float32)
    except (ValueError, KeyError) as error:
        raise DecodeError("pointcloud", f"PLY cannot be read: {error}") from error


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
