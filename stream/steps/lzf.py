"""LZF decompression, as PCD files use it: literal runs and back references, no dictionary. Pure."""

from wire.errors import DecodeError


def decompress(data: bytes, size: int) -> bytes:
    """The ``size`` bytes that ``data`` stands for; DecodeError('pointcloud') if it stands for anything else."""
    out = bytearray()
    at = 0
    try:
        while at < len(data):
            control = data[at]
            at += 1
            if control < 32:  # a run of literals
                run = data[at : at + control + 1]
                at += control + 1
                out += run
            else:
                length = control >> 5
                if length == 7:
                    length += data[at]
                    at += 1
                start = len(out) - ((control & 0x1F) << 8) - data[at] - 1
                at += 1
                _repeat(out, start, length + 2)
            if len(out) > size:
                break
    except IndexError:
        raise DecodeError("pointcloud", "LZF data ends inside a reference") from None
    if len(out) != size:
        raise DecodeError("pointcloud", f"LZF data stands for {len(out)} bytes or more, expected {size}")
    return bytes(out)


def _repeat(out: bytearray, start: int, length: int) -> None:
    """Append ``length`` bytes from ``start`` on; the source may reach into what is being appended."""
    if start < 0:
        raise DecodeError("pointcloud", "LZF data refers to what lies before its beginning")
    piece = out[start : start + length]
    out += (piece * -(-length // len(piece)))[:length]
