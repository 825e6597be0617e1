"""PLY point clouds: ASCII, binary of both byte orders."""

from typing import Final

import numpy as np

from stream.steps.point_table import PointTable, check_count, read_text, stack_columns
from wire.errors import DecodeError

MARK: Final = b"ply"
_END: Final = b"end_header"
# A header names a handful of properties; a "header" that is longer is no header.
_HEADER_MAX_BYTES: Final = 16 * 1024
_TYPES: Final = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2",
    "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4",
    "double": "f8", "float64": "f8",
}  # fmt: skip
_BYTE_ORDERS: Final = {"binary_little_endian": "<", "binary_big_endian": ">"}


def read_ply(data: bytes) -> PointTable:
    """The vertices; other elements are ignored. DecodeError('pointcloud')."""
    end = data.find(_END, 0, _HEADER_MAX_BYTES)
    body = data.find(b"\n", end) + 1
    if end < 0 or body == 0:
        raise DecodeError("pointcloud", "PLY without end_header")
    try:
        layout, count, properties = _header(data[:end].decode("ascii"))
        names = [name for name, _ in properties]
        if not {"x", "y", "z"} <= set(names):
            raise DecodeError("pointcloud", f"PLY with {count} vertices of properties {names}")
        check_count(count, "PLY")
        if layout == "ascii":
            return PointTable(xyz=read_text(data[body:], columns=names, count=count))
        if layout not in _BYTE_ORDERS:
            raise DecodeError("pointcloud", f"PLY format {layout!r} is none of ascii, {', '.join(_BYTE_ORDERS)}")
        kinds = np.dtype([(name, _BYTE_ORDERS[layout] + kind) for name, kind in properties])
        vertices = np.frombuffer(data, kinds, count=count, offset=body)
        return PointTable(xyz=stack_columns(vertices[axis] for axis in "xyz"))
    except (ValueError, KeyError) as error:
        raise DecodeError("pointcloud", f"PLY cannot be read: {error}") from error


def _header(text: str) -> tuple[str, int, list[tuple[str, str]]]:
    """(format, number of vertices, (name, type) of their properties)."""
    layout, element, count = "", "", -1
    properties: list[tuple[str, str]] = []
    for line in text.splitlines():
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
                properties.append((name, _TYPES[kind]))
    return layout, count, properties
