"""Which partition a line's messages go to: murmur2 of the key, as every client of this product computes it."""

from typing import Final

_SEED: Final = 0x9747B28C
_M: Final = 0x5BD1E995
_R: Final = 24
_WORD: Final = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Kafka's hash of a key, 32 bits without sign (org.apache.kafka.common.utils.Utils.murmur2)."""
    hashed = (_SEED ^ len(data)) & _WORD
    whole = len(data) // 4 * 4
    for at in range(0, whole, 4):
        word = int.from_bytes(data[at : at + 4], "little") * _M & _WORD
        word = (word ^ word >> _R) * _M & _WORD
        hashed = (hashed * _M & _WORD) ^ word
    if rest := data[whole:]:
        hashed = (hashed ^ int.from_bytes(rest, "little")) * _M & _WORD
    hashed = (hashed ^ hashed >> 13) * _M & _WORD
    return hashed ^ hashed >> 15


def partition_of(line: str, partitions: int) -> int:
    """The partition of a line."""
    return (murmur2(line.encode()) & 0x7FFFFFFF) % partitions
