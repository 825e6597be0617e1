"""LAS and LAZ point clouds, through laspy."""

import io
import struct
from typing import Final

import numpy as np

from stream.steps.point_table import PointTable, check_count, stack_columns
from wire.errors import DecodeError

MARK: Final = b"LASF"
# Bytes of points that a byte of LAZ can stand for. A real surface has about ten, a plane without noise some hundred; a
# forged number or length of points would be made room for, and then be decoded to the last one.
_MOST_COMPRESSION: Final = 2000
# Places in the header, and the least size of what they count (LAS 1.4, 2.4 to 2.7).
_MINOR_AT: Final = 25
_VLRS_AT, _VLR_BYTES = 100, 54
_EVLRS_AT, _EVLR_BYTES = 243, 60
_OFFSET: Final = struct.Struct("<q")
_AT_THE_END: Final = -1  # of files that were written without going back
# From this point format on, each field of a chunk is a layer of its own; nine sizes stand behind its first point.
_FIRST_LAYERED: Final = 6
_LAYERS: Final = struct.Struct("<I9I")  # points of the chunk, bytes of its layers
_TABLE: Final = struct.Struct("<II")  # version, number of chunks


def read_las(data: bytes) -> PointTable:
    """The points with scale and offset applied, in float32: what is far from the origin loses digits.

    DecodeError('pointcloud').
    """
    # Here, because laspy takes a tenth of a second to import, which only lines with such a sensor need.
    import laspy

    _check_header(data)
    try:
        with laspy.open(io.BytesIO(data), laz_backend=laspy.LazBackend.Lazrs) as reader:
            header = reader.header
            count = check_count(header.point_count, "LAS")
            compressed = header.are_points_compressed
            most = len(data) * (_MOST_COMPRESSION if compressed else 1) // header.point_format.size
            if count > most:
                raise DecodeError("pointcloud", f"LAS names {count} points in {len(data)} bytes")
            if compressed:
                _check_chunk_table(data, header.offset_to_point_data)
                if header.point_format.id >= _FIRST_LAYERED:
                    _check_layers(data, header.offset_to_point_data + _OFFSET.size + header.point_format.size)
            points = reader.read_points(count)
            xyz = stack_columns(np.asarray(axis) for axis in (points.x, points.y, points.z))
    except DecodeError:
        raise
    except BaseException as error:
        # Whatever laspy and its Rust decoder make of forged bytes: their errors, numpy's, and panics, which are no
        # Exception. A person's Ctrl-C and the process' end are none of them.
        if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
            raise
        raise DecodeError("pointcloud", f"LAS cannot be read: {type(error).__name__}: {error}") from error
    if len(xyz) != count:
        raise DecodeError("pointcloud", f"LAS has {len(xyz)} of the {count} points that it names")
    return PointTable(xyz=xyz)


def _check_header(data: bytes) -> None:
    """DecodeError('pointcloud') if more records are named than there is room for: laspy looks for each of them."""
    has_extended = data[_MINOR_AT : _MINOR_AT + 1] >= b"\4"
    places = ((_VLRS_AT, _VLR_BYTES), (_EVLRS_AT, _EVLR_BYTES)) if has_extended else ((_VLRS_AT, _VLR_BYTES),)
    for at, size in places:
        count = int.from_bytes(data[at : at + 4], "little")
        if len(data) < at + 4 or count * size > len(data):
            raise DecodeError("pointcloud", f"LAS names {count} records of its header in {len(data)} bytes")


def _check_chunk_table(data: bytes, at: int) -> None:
    """DecodeError('pointcloud') if more chunks are named than there are bytes.

    The decoder allocates the table before it reads it, and ends the whole process where that fails.
    """
    try:
        (table,) = _OFFSET.unpack_from(data, at)
        if table == _AT_THE_END:
            (table,) = _OFFSET.unpack_from(data, len(data) - _OFFSET.size)
        _, chunks = _TABLE.unpack_from(data, table)
    except struct.error as error:
        raise DecodeError("pointcloud", f"LAZ without a chunk table: {error}") from error
    if table < at or chunks > len(data):
        raise DecodeError("pointcloud", f"LAZ names {chunks} chunks at {table} in {len(data)} bytes")


def _check_layers(data: bytes, at: int) -> None:
    """DecodeError('pointcloud') if a layer of the first chunk is longer than the file: the decoder makes room for it.

    Later chunks are not looked at; a damaged size there costs four gigabytes for a moment.
    """
    try:
        _, *sizes = _LAYERS.unpack_from(data, at)
    except struct.error as error:
        raise DecodeError("pointcloud", f"LAZ ends inside its first chunk: {error}") from error
    if max(sizes) > len(data):
        raise DecodeError("pointcloud", f"LAZ names a layer of {max(sizes)} bytes in {len(data)} bytes")
