"""A PayloadStore in memory that a test can take away."""

import threading

from wire.errors import DecodeError, ObjectStoreUnavailable


class MemoryPayloads:
    """``away``: puts and gets raise; ``gate``: puts wait until it is set."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}
        self.away = False
        self.gate = threading.Event()
        self.gate.set()

    def put(self, key: str, data: bytes) -> None:
        self.gate.wait()
        if self.away:
            raise ObjectStoreUnavailable("the store is away", retry_after_s=0.05)
        self.stored[key] = data

    def get(self, key: str) -> bytes:
        if self.away:
            raise ObjectStoreUnavailable("the store is away", retry_after_s=0.05)
        if key not in self.stored:
            raise DecodeError("object_missing", key)
        return self.stored[key]

    def exists(self, key: str) -> bool:
        return key in self.stored

    def delete(self, key: str) -> None:
        self.stored.pop(key, None)

    def close(self) -> None:
        pass
