"""PCD point clouds (Point Cloud Library): ASCII, binary, compressed binary; organised or not."""

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np

from stream.steps.lzf import decompress
from stream.steps.point_table import PointTable, check_count, read_text, stack_columns
from wire.errors import DecodeError

MARKS: Final = (b"# .PCD", b"VERSION", b"FIELDS")
_HEADER_MAX_BYTES: Final = 16 * 1024
# Of one point: its place, colour, normal and the longest descriptor that is in use (VFH, 308 numbers).
_MOST_NUMBERS: Final = 1024
_SIZES: Final = struct.Struct("<II")  # compressed, uncompressed
_KINDS: Final = {
    ("F", 4): "<f4", ("F", 8): "<f8", ("U", 1): "u1", ("U", 2): "<u2", ("U", 4): "<u4", ("U", 8): "<u8",
    ("I", 1): "i1", ("I", 2): "<i2", ("I", 4): "<i4", ("I", 8): "<i8",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class _Header:
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    counts: tuple[int, ...]
    width: int
    height: int
    layout: str
    body: int  # where the data begins

    @property
    def columns(self) -> list[str]:
        """A name per number; of a field with several all but the first are nameless."""
        return [
            name if at == 0 else f"{name}[{at}]"
            for name, count in zip(self.names, self.counts, strict=True)
            for at in range(count)
        ]


def read_pcd(data: bytes) -> PointTable:
    """The points; NaN = no return. DecodeError('pointcloud')."""
    try:
        header = _header(data)
        points = check_count(header.width * header.height, "PCD")
        body = data[header.body :]
        if header.layout == "ascii":
            xyz = read_text(body, columns=header.columns, count=points)
        elif header.layout == "binary":
            fields = zip(header.names, header.kinds, header.counts, strict=True)
            rows = np.frombuffer(body, np.dtype([(name, kind, (count,)) for name, kind, count in fields]), count=points)
            xyz = stack_columns(rows[axis][:, 0] for axis in "xyz")
        elif header.layout == "binary_compressed":
            xyz = _compressed(body, header, points)
        else:
            raise DecodeError("pointcloud", f"PCD data {header.layout!r} is none of ascii, binary, binary_compressed")
    except (ValueError, KeyError, struct.error) as error:
        raise DecodeError("pointcloud", f"PCD cannot be read: {error}") from error
    return PointTable(xyz=xyz, grid=(header.height, header.width) if header.height > 1 else None)


def _compressed(body: bytes, header: _Header, points: int) -> "np.typing.NDArray[np.float32]":
    """(N, 3): one field lies behind the other, each with all of its points."""
    packed, size = _SIZES.unpack_from(body)
    widths = [np.dtype(kind).itemsize * count for kind, count in zip(header.kinds, header.counts, strict=True)]
    if size != sum(widths) * points:
        raise DecodeError("pointcloud", f"PCD names {size} bytes for {points} points of {sum(widths)} bytes")
    if len(body) < _SIZES.size + packed:
        raise DecodeError("pointcloud", f"PCD ends after {len(body)} of {_SIZES.size + packed} compressed bytes")
    plain = decompress(body[_SIZES.size : _SIZES.size + packed], size)
    offsets = dict(zip(header.names, np.cumsum([0, *widths[:-1]]).tolist(), strict=True))
    counts = dict(zip(header.names, header.counts, strict=True))
    kinds = dict(zip(header.names, header.kinds, strict=True))
    columns = [
        np.frombuffer(plain, kinds[axis], count=points * counts[axis], offset=offsets[axis] * points)[:: counts[axis]]
        for axis in "xyz"
    ]
    return stack_columns(columns)


def _header(data: bytes) -> _Header:
    found: dict[str, list[str]] = {}
    at = 0
    while "DATA" not in found:
        end = data.find(b"\n", at, _HEADER_MAX_BYTES)
        if end < 0:
            raise DecodeError("pointcloud", "PCD without DATA line")
        line = data[at:end].decode("ascii").split("#")[0].split()
        at = end + 1
        if line:
            found[line[0]] = line[1:]
    missing = [key for key in ("FIELDS", "SIZE", "TYPE", "WIDTH", "HEIGHT") if not found.get(key)]
    if missing or not found["DATA"]:
        raise DecodeError("pointcloud", f"PCD without {', '.join(missing) or 'DATA'}")
    names = tuple(found["FIELDS"])
    counts = tuple(int(count) for count in found.get("COUNT", ["1"] * len(names)))
    sound = len(set(names)) == len(names) and min(counts) >= 1 and sum(counts) <= _MOST_NUMBERS
    if not {"x", "y", "z"} <= set(names) or not sound:
        raise DecodeError("pointcloud", f"PCD with fields {' '.join(names)} and counts {' '.join(map(str, counts))}")
    return _Header(
        names=names,
        kinds=tuple(_KINDS[kind, int(size)] for kind, size in zip(found["TYPE"], found["SIZE"], strict=True)),
        counts=counts,
        width=int(found["WIDTH"][0]),
        height=int(found["HEIGHT"][0]),
        layout=found["DATA"][0],
        body=at,
    )
