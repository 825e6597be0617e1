"""A GigE Vision or USB3 Vision camera as a ``CameraSource``: numbered, stamped, encoded, and connected again."""

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import structlog

from connectors.captured import Captured
from connectors.errors import RejectedInput, SourceUnavailable
from connectors.genicam.aravis_device import AravisDevice
from connectors.genicam.aravis_library import AravisLibrary
from connectors.genicam.camera_clock import Stamp, stamp
from connectors.genicam.device import Delivered, GenicamDevice
from connectors.genicam.frame_content import FrameContent, frame_content
from connectors.genicam.frame_counter import FrameCounter
from connectors.genicam.gentl_device import GentlDevice
from connectors.genicam.settings import GenicamSource, Trigger
from connectors.metrics import ConnectorMetrics
from connectors.source_ledger import SourceLedgers
from wire.frame import Frame, Origin
from wire.ledger import DropReason
from wire.payload_files import usual_modality

# Aravis asks the camera for its control channel every second by itself; asking more often tells nothing new.
_CHECK_EVERY_S: Final = 1.0
# PTP follows or loses its master within seconds; the question costs a round trip of the control channel.
_PTP_EVERY_S: Final = 5.0
_STATISTICS_EVERY_S: Final = 1.0
_RETRY_LONGEST_S: Final = 10.0


class GenicamCamera:
    """Connects when first asked for a frame, and again, as a new session, whenever the camera was lost.

    Sequence numbers are the camera's own frame ids, counted from the first one that arrived. A frame whose packets did
    not all come, resends included, is booked as dropped (``incomplete``); one that left no trace is a hole in the
    sequence. A camera that is silent is asked whether it is there; one that is there and does not send although it
    should is connected anew. Frames that wait in ``buffers`` when the process dies are lost: the camera keeps none.
    """

    def __init__(
        self,
        settings: GenicamSource,
        *,
        line: str,
        ledgers: SourceLedgers,
        metrics: ConnectorMetrics,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._line = line
        self._ledgers = ledgers
        self._metrics = metrics
        self._now_s = now_s
        self._library: AravisLibrary | None = None
        self._device: GenicamDevice | None = None
        self._retry_s = 0.0
        self._log = structlog.get_logger("connectors.genicam", source=settings.source)

    @property
    def name(self) -> str:
        """``<line>/<device>``."""
        return self._settings.source

    def next(self, timeout_s: float) -> Captured | None:
        """The next frame, None if none came in time. SourceUnavailable: away, frozen, or it refuses a setting."""
        try:
            device = self._device or self._connect()
            captured = self._take(device, timeout_s)
        except SourceUnavailable as error:
            self._let_go(lambda device: device.abandon())
            self._retry_s = min(max(2 * self._retry_s, error.retry_after_s), _RETRY_LONGEST_S)
            raise SourceUnavailable(str(error), retry_after_s=self._retry_s) from error
        if captured is not None:
            self._retry_s = 0.0
        return captured

    def close(self) -> None:
        """Give the camera up."""
        self._let_go(lambda device: device.close())

    def _let_go(self, how: Callable[[GenicamDevice], None]) -> None:
        device, self._device = self._device, None
        if device is not None:
            self._count_packets(device)
            how(device)
            self._metrics.camera_connected.labels(self.name).set(0)

    def _open(self) -> GenicamDevice:
        if self._settings.producer is not None:
            return GentlDevice(self._settings)
        self._library = self._library or AravisLibrary()
        return AravisDevice(self._library, self._settings)

    def _connect(self) -> GenicamDevice:
        device = self._device = self._open()
        now_s = self._now_s()
        self._fire_at_s = self._seen_at_s = self._checked_at_s = self._counted_at_s = now_s
        self._synchronised, self._ptp_at_s = device.follows_ptp(), now_s
        self._told: dict[str, int] = {}
        self._begin_session()
        self._metrics.camera_connected.labels(self.name).set(1)
        self._log.info("camera_connected", camera=device.description, ptp=self._synchronised)
        return device

    def _begin_session(self) -> None:
        """One life of the camera's counter: UTC for people, random digits against two of them within a second."""
        self._session = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        self._counter = FrameCounter()
        self._nameless = 0

    def _take(self, device: GenicamDevice, timeout_s: float) -> Captured | None:
        deadline_s = self._now_s() + timeout_s
        while True:
            self._look_after(device)
            until_s = min(deadline_s, self._fire_due_s())
            delivered = device.pop(max(0.0, until_s - self._now_s()))
            if delivered is not None:
                self._seen_at_s = self._now_s()
                try:
                    captured = self._capture(delivered)
                finally:
                    device.give_back(delivered)
                if captured is not None:
                    return captured
            if self._now_s() >= deadline_s:
                return None

    def _fire_due_s(self) -> float:
        return self._fire_at_s if self._settings.trigger is Trigger.SOFTWARE else float("inf")

    def _look_after(self, device: GenicamDevice) -> None:
        """Trigger, ask and count what is due."""
        now_s = self._now_s()
        if now_s >= self._fire_due_s() and self._settings.rate_fps is not None:
            device.fire()
            # A pause is not made up for: the next picture is due an interval from now at best.
            self._fire_at_s = max(self._fire_at_s + 1 / self._settings.rate_fps, now_s)
        silent_s = now_s - self._seen_at_s
        if silent_s > self._settings.stale_after_s and self._settings.trigger is not Trigger.HARDWARE:
            device.check_answers()
            raise SourceUnavailable(
                f"{self._settings.camera}: answers, but has sent no frame for {silent_s:.0f} s", retry_after_s=0.1
            )
        if silent_s > _CHECK_EVERY_S and now_s - self._checked_at_s > _CHECK_EVERY_S:
            device.check_answers()
            self._checked_at_s = self._now_s()
        if now_s - self._ptp_at_s > _PTP_EVERY_S:
            self._synchronised, self._ptp_at_s = device.follows_ptp(), now_s
        if now_s - self._counted_at_s > _STATISTICS_EVERY_S:
            self._counted_at_s = now_s
            self._count_packets(device)
            self._metrics.camera_frame_age_seconds.labels(self.name).set(silent_s)

    def _count_packets(self, device: GenicamDevice) -> None:
        counts = device.statistics()
        for name in ("received_packets", "missing_packets", "resent_packets", "resend_requests", "underruns"):
            grown = counts.get(name, 0) - self._told.get(name, 0)
            self._metrics.camera_stream.labels(self.name, name).inc(max(0, grown))
        self._told = counts

    def _capture(self, delivered: Delivered) -> Captured | None:
        """Number, stamp and encode one buffer. None: it was incomplete or unreadable, and is booked as such."""
        before, frame_id = self._counter.last, delivered.frame_id
        sequence = None if frame_id is None else self._counter.next(frame_id)
        if frame_id is None or (sequence is None and delivered.picture is None):
            # Its leader is among the lost packets, so the buffer bears no id, or that of the picture before in it.
            self._nameless += 1
            return None
        if sequence is None:
            self._log.warning("camera_counts_anew", frame_id=frame_id)
            self._begin_session()
            sequence = self._counter.next(frame_id) or 0
        elif before is not None:
            self._book_nameless(range(before + 1, sequence))
        origin = self._origin(sequence)
        if delivered.picture is None:
            self._drop(origin, DropReason.INCOMPLETE, "packets are missing")
            return None
        settings = self._settings
        try:
            content = frame_content(delivered.picture, settings.encoding, jpeg_quality=settings.jpeg_quality)
        except RejectedInput as error:
            self._drop(origin, DropReason.UNREADABLE, str(error))
            return None
        when = stamp(
            camera_ns=delivered.camera_ns, host_ns=delivered.host_ns, synchronised=self._synchronised
        )  # fmt: skip
        return Captured.of_frame(self._frame(origin, when, content))

    def _book_nameless(self, hole: range) -> None:
        """Buffers come in order: what lost its name lies in the hole before the next frame."""
        for sequence in hole[: self._nameless]:
            self._drop(self._origin(sequence), DropReason.INCOMPLETE, "packets are missing, the leader among them")
        self._nameless = 0

    def _origin(self, sequence: int) -> Origin:
        return Origin(line=self._line, source=self.name, session=self._session, sequence=sequence)

    def _frame(self, origin: Origin, when: Stamp, content: FrameContent) -> Frame:
        return Frame(
            origin=origin,
            kind=content.kind,
            modality=self._settings.modality or usual_modality(content.kind),
            captured_at=when.at,
            clock=when.clock,
            content_type=content.content_type,
            payload=content.data,
            attributes={**self._settings.attributes, **content.attributes},
        )

    def _drop(self, origin: Origin, reason: DropReason, message: str) -> None:
        self._ledgers.captured(origin)
        self._ledgers.dropped(origin, reason)
        self._metrics.count(self.name, f"dropped_{reason}")
        self._log.warning("frame_dropped", sequence=origin.sequence, reason=reason.value, message=message)
