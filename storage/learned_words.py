"""Files of words that a training found for a line, in the object store by content hash.

Retention never touches them: a version of a line may name one for as long as it is kept, and each is some kilobytes.
"""

import hashlib
from typing import Final

from wire.errors import DecodeError
from wire.payload_store import PayloadStore

_PREFIX: Final = "words"


class LearnedWordsStore:
    """Puts and gets them by the sha256 that a line's specification names (``LineSpec.learned_words``)."""

    def __init__(self, payloads: PayloadStore) -> None:
        self._payloads = payloads

    def put(self, file: bytes) -> str:
        """Durable when it returns; its sha256. ObjectStoreUnavailable."""
        sha256 = hashlib.sha256(file).hexdigest()
        self._payloads.put(_key(sha256), file)
        return sha256

    def get(self, sha256: str) -> bytes:
        """The file; empty for "", which names none.

        DecodeError('object_missing' | 'object_corrupt') if it is gone, or not the one that was put;
        ObjectStoreUnavailable.
        """
        if not sha256:
            return b""
        file = self._payloads.get(_key(sha256))
        found = hashlib.sha256(file).hexdigest()
        if found != sha256:
            raise DecodeError("object_corrupt", f"{_key(sha256)} has sha256 {found}")
        return file


def _key(sha256: str) -> str:
    return f"{_PREFIX}/{sha256[:2]}/{sha256}.safetensors"
