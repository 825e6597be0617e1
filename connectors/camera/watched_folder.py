"""A folder into which a camera PC delivers image or point cloud, and sidecar: a ``CameraSource``."""

import contextlib
import glob
import heapq
import os
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import structlog

from connectors.camera.settings import WatchedSource
from connectors.camera.sidecar import Sidecar
from connectors.captured import Captured
from connectors.errors import RejectedInput, SourceUnavailable
from connectors.metrics import ConnectorMetrics
from connectors.source_ledger import SourceLedgers
from wire.frame import Origin
from wire.ledger import DropReason
from wire.payload_files import payload_file

# 20 looks per second: half of that is the delay a frame gets on average; a look at an empty folder costs 20 us.
_SCAN_INTERVAL_S: Final = 0.05
# Sidecars read ahead, whatever waits in the folder: enough to put frames in order that were delivered out of order.
_READ_AHEAD: Final = 512
# Camera PCs write image and sidecar within milliseconds of each other; a share over a slow network takes seconds.
_INCOMPLETE_AFTER_S: Final = 10.0

_SIDECAR: Final = ".json"
# Name of a sidecar whose event is safe: from the rename on the frame is done, whenever the process dies.
_DONE_PREFIX, _DONE_SUFFIX = ".", ".json.done~"
_REJECTED: Final = "rejected"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Delivered:
    stem: str
    sidecar: Sidecar


@dataclass(frozen=True, kw_only=True, slots=True)
class _Listing:
    """Stems of the oldest sidecars in order of delivery, and names of the images that have no sidecar."""

    stems: list[str]
    lone_images: list[str]


class WatchedFolder:
    """Reads frames in order of (session, sequence), sessions as they were delivered; removes nothing before ``done``.

    A frame whose files are still there after a restart comes again under the same (session, sequence). Memory is
    bounded whatever waits in the folder. What cannot be numbered is moved to ``rejected/``.
    """

    def __init__(
        self, settings: WatchedSource, *, line: str, ledgers: SourceLedgers, metrics: ConnectorMetrics
    ) -> None:
        self._folder = settings.watch
        self._modality = settings.modality
        self._attributes = settings.attributes
        self._name = settings.source
        self._line = line
        self._ledgers = ledgers
        self._metrics = metrics
        self._ready: deque[_Delivered] = deque()
        # Stems that were handed out and are not done: their files are still in the folder. Changed by ``done`` in the
        # publisher's thread, one set operation each.
        self._handed_out: set[str] = set()
        # Images without sidecar and sidecars without image, and since when: by our own clock, because copies keep
        # the time of their original.
        self._incomplete_since: dict[str, float] = {}
        self._scanned_at = -_SCAN_INTERVAL_S
        self._swept = False
        self._log = structlog.get_logger("connectors.camera", source=settings.source)

    @property
    def name(self) -> str:
        """``<line>/<device>``."""
        return self._name

    def next(self, timeout_s: float) -> Captured | None:
        """The next frame, None if none was delivered in time. SourceUnavailable if the folder cannot be read."""
        deadline = time.monotonic() + timeout_s
        while True:
            while self._ready:
                captured = self._capture(self._ready.popleft())
                if captured is not None:
                    return captured
            now = time.monotonic()
            due = self._scanned_at + _SCAN_INTERVAL_S
            if now < due:
                if due > deadline:
                    return None
                time.sleep(due - now)
            self._scanned_at = time.monotonic()
            self._scan()
            if not self._ready and time.monotonic() >= deadline:
                return None

    def close(self) -> None:
        """Nothing is open between two calls."""

    def _scan(self) -> None:
        try:
            if not self._swept:
                self._sweep_done()
                self._swept = True
            listing = self._list()
        except OSError as error:
            raise SourceUnavailable(f"{self._folder} cannot be read: {error.strerror}") from error
        found: dict[str, list[_Delivered]] = {}
        for stem in listing.stems:
            delivered = self._read_sidecar(stem)
            if delivered is not None:
                found.setdefault(delivered.sidecar.session, []).append(delivered)
        for session in found.values():
            self._ready.extend(sorted(session, key=lambda one: one.sidecar.sequence))
        self._look_after_lone(listing.lone_images)

    def _list(self) -> _Listing:
        images: dict[str, str] = {}
        stems: set[str] = set()

        def sidecars() -> Iterator[tuple[int, str]]:
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    stem, extension = os.path.splitext(entry.name)
                    if stem.startswith("."):
                        continue
                    if extension == _SIDECAR:
                        stems.add(stem)
                        if stem not in self._handed_out:
                            with contextlib.suppress(FileNotFoundError):  # removed since the listing began
                                yield entry.stat().st_mtime_ns, stem
                    elif payload_file(entry.name) is not None:
                        images[stem] = entry.name

        oldest = heapq.nsmallest(_READ_AHEAD, sidecars())
        lone = [name for stem, name in images.items() if stem not in stems and stem not in self._handed_out]
        return _Listing(stems=[stem for _, stem in oldest], lone_images=lone)

    def _read_sidecar(self, stem: str) -> _Delivered | None:
        name = stem + _SIDECAR
        try:
            return _Delivered(stem=stem, sidecar=Sidecar.read((self._folder / name).read_bytes()))
        except FileNotFoundError:
            return None
        except OSError as error:
            self._reject(RejectedInput("sidecar", f"{name} cannot be read: {error.strerror}"), stem)
        except RejectedInput as error:
            self._reject(error, stem)
        return None

    def _look_after_lone(self, names: list[str]) -> None:
        lone = set(names)
        for name in [name for name in self._incomplete_since if name not in lone and not name.endswith(_SIDECAR)]:
            del self._incomplete_since[name]
        for name in names:
            if self._is_overdue(name) and (self._folder / name).exists():
                self._reject(RejectedInput("no_sidecar", f"{name} has no sidecar"), os.path.splitext(name)[0])

    def _is_overdue(self, name: str) -> bool:
        now = time.monotonic()
        if now - self._incomplete_since.setdefault(name, now) <= _INCOMPLETE_AFTER_S:
            return False
        del self._incomplete_since[name]
        return True

    def _capture(self, delivered: _Delivered) -> Captured | None:
        """Read one image. None: it is not there yet, or it was put aside."""
        stem, sidecar = delivered.stem, delivered.sidecar
        origin = sidecar.origin(self._line, self._name)
        try:
            payload = (self._folder / sidecar.file).read_bytes()
        except FileNotFoundError:
            if self._is_overdue(stem + _SIDECAR):
                self._drop(origin, DropReason.INCOMPLETE, f"{sidecar.file} never came", delivered)
            return None
        except OSError as error:
            self._drop(origin, DropReason.UNREADABLE, f"{sidecar.file}: {error.strerror}", delivered)
            return None
        self._incomplete_since.pop(stem + _SIDECAR, None)
        self._handed_out.add(stem)
        frame = sidecar.frame(origin, payload, modality=self._modality, attributes=self._attributes)
        return Captured.of_frame(frame, lambda: self._remove(delivered))

    def _remove(self, delivered: _Delivered) -> None:
        """Remove the files of an event that is safe; runs in the publisher's thread."""
        done = self._folder / f"{_DONE_PREFIX}{delivered.stem}{_DONE_SUFFIX}"
        try:
            (self._folder / (delivered.stem + _SIDECAR)).rename(done)
            (self._folder / delivered.sidecar.file).unlink(missing_ok=True)
            done.unlink()
        except OSError as error:
            # It stays among the handed-out ones, so that this process does not publish it over and over.
            self._log.error("files_not_removed", stem=delivered.stem, reason=str(error))
            return
        self._handed_out.discard(delivered.stem)

    def _sweep_done(self) -> None:
        """Finish removals that an earlier process began."""
        for done in self._folder.glob(f"{_DONE_PREFIX}*{_DONE_SUFFIX}"):
            try:
                sidecar = Sidecar.read(done.read_bytes())
            except RejectedInput as error:
                self._log.warning("leftover_unreadable", file=done.name, reason=str(error))
            else:
                (self._folder / sidecar.file).unlink(missing_ok=True)
            done.unlink()

    def _drop(self, origin: Origin, reason: DropReason, message: str, delivered: _Delivered) -> None:
        self._ledgers.captured(origin)
        self._ledgers.dropped(origin, reason)
        self._metrics.count(self._name, f"dropped_{reason}")
        self._log.error("frame_dropped", sequence=origin.sequence, reason=reason.value, message=message)
        self._put_aside(delivered.stem)

    def _reject(self, reason: RejectedInput, stem: str) -> None:
        self._metrics.count(self._name, f"rejected_{reason.reason}")
        self._log.error("delivery_rejected", stem=stem, reason=str(reason))
        self._put_aside(stem)

    def _put_aside(self, stem: str) -> None:
        """Move all files of ``stem`` to ``rejected/``. SourceUnavailable if the folder does not let us."""
        target = self._folder / _REJECTED
        try:
            target.mkdir(exist_ok=True)
            # Looked for by the folder's own names: a PC with Windows writes endings in capitals, too.
            for path in self._folder.glob(f"{glob.escape(stem)}.*"):
                if path.stem == stem and (path.suffix == _SIDECAR or payload_file(path.name) is not None):
                    with contextlib.suppress(FileNotFoundError):
                        path.rename(target / path.name)
        except OSError as error:
            raise SourceUnavailable(f"{target}: cannot put {stem} aside: {error.strerror}") from error
