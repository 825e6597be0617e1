"""Pictures made once for all browsers, within a byte budget."""

import threading
from collections import OrderedDict
from typing import Literal, NamedTuple

from dashboard.pictures import displayable, thumbnail
from wire.inspection import Evidence, Inspection
from wire.payload_store import PayloadStore

# Some 3000 thumbnails of 20 kB: an hour of flagged parts. More would be memory that nobody looks at.
_BUDGET_BYTES = 64 * 1024 * 1024


class Picture(NamedTuple):
    """Bytes ready to send."""

    data: bytes
    content_type: str


class PictureCache:
    """Fetches evidence and renders it; keeps what was rendered (least recently used goes first). Thread-safe."""

    def __init__(self, payloads: PayloadStore, *, budget_bytes: int = _BUDGET_BYTES) -> None:
        self._payloads = payloads
        self._budget_bytes = budget_bytes
        self._kept: OrderedDict[tuple[str, str, float | None, bool], Picture] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def fetch(
        self, inspection: Inspection, evidence: Evidence, shown_as: Literal["original", "display", "thumbnail"]
    ) -> Picture:
        """The evidence as asked. ObjectStoreUnavailable, DecodeError, NotDisplayable as their sources."""
        if shown_as == "original":
            return Picture(self._payloads.get(evidence.ref), evidence.content_type)
        threshold = _map_threshold(inspection, evidence)
        key = (evidence.sha256, shown_as, threshold, evidence.coarse)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        render = thumbnail if shown_as == "thumbnail" else displayable
        picture = Picture(*render(evidence, self._payloads.get(evidence.ref), threshold=threshold))
        with self._lock:
            self._keep(key, picture)
        return picture

    def _keep(self, key: tuple[str, str, float | None, bool], picture: Picture) -> None:
        if key in self._kept or len(picture.data) > self._budget_bytes:
            return
        self._kept[key] = picture
        self._bytes += len(picture.data)
        while self._bytes > self._budget_bytes:
            _, gone = self._kept.popitem(last=False)
            self._bytes -= len(gone.data)


def _map_threshold(inspection: Inspection, evidence: Evidence) -> float | None:
    """The map's own threshold; results of versions that did not keep it have the modality's, which is close."""
    if evidence.threshold is not None:
        return evidence.threshold
    return next((it.threshold for it in inspection.modalities if it.modality == evidence.modality), None)
