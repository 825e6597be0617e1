"""LAS and LAZ point clouds, through laspy."""

import io
from typing import Final

import numpy as np

from stream.steps.point_table import PointTable, check_count, to_float32
from wire.errors import DecodeError

MARK: Final = b"LASF"


def read_las(data: bytes) -> PointTable:
    """The points with scale and offset applied, in float32: what is far from the origin loses digits.

    DecodeError('pointcloud').
    """
    # Here, because laspy takes a tenth of a second to import, which only lines with such a sensor need.
    import laspy

    try:
        with laspy.open(io.BytesIO(data), closefd=True) as reader:
            header = reader.header
            count = check_count(header.point_count, "LAS")
            if not header.are_points_compressed and count * header.point_format.size > len(data):
                raise DecodeError("pointcloud", f"LAS names {count} points in {len(data)} bytes")
            points = reader.read_points(count)
            xyz = np.stack([np.asarray(points.x), np.asarray(points.y), np.asarray(points.z)], axis=1)
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
    return PointTable(xyz=to_float32(xyz.astype(np.float64)))
