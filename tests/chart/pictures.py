"""Pictures of a surface, each a little different, as files and as a camera PC delivers them."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from wire.image_codec import encode_jpeg


def write_pictures(folder: Path, count: int) -> None:
    """Write ``count`` grey, grainy JPEG pictures of 160 x 120."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"part{number:04}.jpg").write_bytes(_picture(number))


class CameraPc:
    """Delivers pictures of one line into a watched folder, numbered from 0."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self.delivered = 0

    def deliver(self, count: int) -> None:
        """Write ``count`` more: each picture, then its sidecar, both whole or not at all."""
        for _ in range(count):
            name = f"part{self.delivered:04}"
            sidecar = {
                "image": f"{name}.jpg",
                "session": "1",
                "sequence": self.delivered,
                "captured_at": datetime.now(UTC).isoformat(),
            }
            self._put(f"{name}.jpg", _picture(self.delivered))
            self._put(f"{name}.json", json.dumps(sidecar).encode())
            self.delivered += 1

    def _put(self, name: str, content: bytes) -> None:
        draft = self._folder / f".{name}"
        draft.write_bytes(content)
        draft.rename(self._folder / name)


def _picture(number: int) -> bytes:
    grain = np.random.default_rng(number).normal(128, 10, (120, 160, 1)).clip(0, 255).astype(np.uint8)
    return encode_jpeg(np.repeat(grain, 3, axis=2))
