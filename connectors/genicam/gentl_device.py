"""One camera through a vendor's GenTL producer, driven by harvesters (extra ``gentl``)."""

import threading
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

import numpy as np
import structlog

from connectors.errors import SourceUnavailable
from connectors.genicam.device import Delivered, RawPicture
from connectors.genicam.gentl_producer import GentlProducer, gentl_errors, harvesters_core, producer
from connectors.genicam.settings import GenicamSource, Trigger

Answer = TypeVar("Answer")

_REFUSED_RETRY_S: Final = 10.0
# Names of one feature in SFNC 2 and before.
_EXPOSURE: Final = ("ExposureTime", "ExposureTimeAbs")
_GAIN: Final = ("Gain", "GainRaw")
_RATE: Final = ("AcquisitionFrameRate", "AcquisitionFrameRateAbs")
_PTP_SWITCHES: Final = ("PtpEnable", "GevIEEE1588")
_PTP_STATES: Final = ("PtpStatus", "GevIEEE1588Status")
_PTP_FOLLOWS: Final = frozenset({"slave", "locked"})
# harvesters looks again and again for a buffer until this is over; 0 would be for ever.
_SHORTEST_POP_S: Final = 0.001


class GentlDevice:
    """A ``GenicamDevice``.

    harvesters gives back by itself a buffer that did not come whole, and tells nobody its number: such a picture is a
    hole in the sequence, booked when the next one comes.
    """

    def __init__(self, settings: GenicamSource) -> None:
        """Connect, set up, begin. SourceUnavailable: not there, somebody else's, or it refuses a setting."""
        self._settings = settings
        self._log = structlog.get_logger("connectors.genicam", source=settings.source)
        self._errors = gentl_errors()
        self._incomplete = 0
        self._producer: GentlProducer | None = None
        self._acquirer: Any = None
        try:
            self._producer = self._open_producer()
            self._acquirer = self._find(self._producer)
            self._nodes = self._acquirer.remote_device.node_map
            self._set_up()
            self._ptp = self._switch_ptp_on()
            self._acquirer.num_buffers = settings.buffers
            self._acquirer.add_callback(self._acquirer.Events.INCOMPLETE_BUFFER, self._callback())
            self._acquirer.start()
        except SourceUnavailable:
            self.close()
            raise
        except self._errors as error:
            self.close()
            raise self._away(error) from error

    def _away(self, error: Exception) -> SourceUnavailable:
        said = str(error).strip() or type(error).__name__
        return SourceUnavailable(f"{self._settings.camera}: {said}", retry_after_s=1.0)

    def _callback(self) -> Any:
        device = self

        class Incomplete(harvesters_core().Callback):  # type: ignore[misc]  # its base is loaded at run time
            def emit(self, context: object) -> None:
                device._incomplete += 1

        return Incomplete()

    def _open_producer(self) -> GentlProducer:
        path = self._settings.producer
        if path is None or not path.is_file():
            raise SourceUnavailable(f"producer: {path} is not there", retry_after_s=_REFUSED_RETRY_S)
        opened = producer(path.resolve())
        opened.use()
        return opened

    def _find(self, producer: GentlProducer) -> Any:
        found, wanted = producer.cameras(), self._settings.camera
        for one in found:
            if wanted in (one["id_"], one["serial_number"], one["user_defined_name"]):
                self.description = " ".join(filter(None, (one["vendor"], one["model"], one["serial_number"])))
                return producer.open(one["id_"])
        names = ", ".join(one["id_"] for one in found) or "none"
        raise SourceUnavailable(f"{wanted}: the producer sees no such camera; it sees {names}", retry_after_s=1.0)

    def _set_up(self) -> None:
        """Apply the settings in the order in which they depend on each other."""
        one = self._settings
        if one.pixel_format is not None:
            self._set("pixel_format", one.pixel_format, "PixelFormat")
        if (region := one.region) is not None:
            # The bounds of width and height hold for the offsets that are set, so those go to 0 first.
            for name in ("OffsetX", "OffsetY"):
                if self._has(name):
                    self._set("region", 0, name)
            for name, value in (("Width", region.width), ("Height", region.height)):
                self._set("region", value, name)
            for name, value in (("OffsetX", region.x), ("OffsetY", region.y)):
                if value or self._has(name):
                    self._set("region", value, name)
        if one.exposure_us is not None:
            self._set("exposure_us", one.exposure_us, *_EXPOSURE)
        if one.gain_db is not None:
            self._set("gain_db", one.gain_db, *_GAIN)
        self._set_trigger()
        for name, feature in one.features.items():
            self._set(f"features.{name}", feature, name)
        if one.packet_bytes is not None:
            self._set("packet_bytes", one.packet_bytes, "GevSCPSPacketSize")

    def _set_trigger(self) -> None:
        one = self._settings
        if one.trigger is Trigger.FREE_RUN:
            if self._has("TriggerMode"):
                self._set("trigger", "Off", "TriggerMode")
            if one.rate_fps is not None:
                if self._has("AcquisitionFrameRateEnable"):
                    self._set("rate_fps", True, "AcquisitionFrameRateEnable")
                self._set("rate_fps", one.rate_fps, *_RATE)
            return
        if self._has("TriggerSelector"):
            self._set("trigger", "FrameStart", "TriggerSelector")
        self._set("trigger", "On", "TriggerMode")
        source = "Software" if one.trigger is Trigger.SOFTWARE else one.trigger_source
        self._set("trigger_source", source, "TriggerSource")

    def _has(self, name: str) -> bool:
        return bool(self._nodes.has_node(name))

    def _set(self, key: str, value: str | int | float | bool, *names: str) -> None:
        """Write the first feature of these names that the camera has."""
        refused = f"{self._settings.camera}: {key}: the camera refuses {value!r}"
        name = next((name for name in names if self._has(name)), None)
        if name is None:
            raise SourceUnavailable(f"{refused}: it has no such feature", retry_after_s=_REFUSED_RETRY_S)
        node = self._nodes.get_node(name)
        try:
            node.value = value
        except self._errors as error:
            raise SourceUnavailable(f"{refused}: {_offer(node, error)}", retry_after_s=_REFUSED_RETRY_S) from error

    def _switch_ptp_on(self) -> str | None:
        """The feature that tells whether the camera's clock follows a PTP master; None if it has no PTP."""
        for switch, state in zip(_PTP_SWITCHES, _PTP_STATES, strict=True):
            if self._has(switch) and self._has(state):
                self._nodes.get_node(switch).value = True
                return state
        return None

    def pop(self, timeout_s: float) -> Delivered | None:
        """The next buffer, None if none came in time. Give it back."""
        buffer = self._talk(lambda: self._acquirer.try_fetch(timeout=max(timeout_s, _SHORTEST_POP_S), is_raw=True))
        host_ns = time.time_ns()
        if buffer is None:
            if not self._incomplete:
                return None
            self._incomplete -= 1
            return Delivered(handle=None, frame_id=None, camera_ns=0, host_ns=host_ns, picture=None)
        return self._talk(lambda: self._delivered(buffer, host_ns))

    def _delivered(self, buffer: Any, host_ns: int) -> Delivered:
        return Delivered(
            handle=buffer,
            frame_id=buffer.frame_id,
            camera_ns=self._stamped_ns(buffer),
            host_ns=host_ns,
            picture=RawPicture(
                data=np.frombuffer(buffer.raw_buffer, np.uint8)[buffer.image_offset :],
                code=buffer.pixel_format,
                width=buffer.width,
                height=buffer.height,
                padding=self._known(lambda: buffer.padding_x),
            ),
        )

    def _stamped_ns(self, buffer: Any) -> int:
        """The camera's time; 0, which is near no host's, where the producer tells none."""
        return self._known(lambda: buffer.timestamp_ns)

    def _known(self, question: Callable[[], int]) -> int:
        try:
            return int(question())
        except self._errors:
            return 0

    def give_back(self, delivered: Delivered) -> None:
        """Let the camera write into the buffer again."""
        if delivered.handle is not None:
            self._talk(lambda: delivered.handle.parent.queue_buffer(delivered.handle))

    def fire(self) -> None:
        """Trigger by software. SourceUnavailable if the camera does not answer."""
        self._talk(lambda: self._nodes.get_node("TriggerSoftware").execute())

    def follows_ptp(self) -> bool:
        """Whether the camera says that its clock follows a PTP master."""
        state = self._ptp
        return state is not None and str(self._talk(lambda: self._nodes.get_node(state).value)).lower() in _PTP_FOLLOWS

    def check_answers(self) -> None:
        """Ask it something. SourceUnavailable if it is gone."""
        self._talk(lambda: self._nodes.get_node("PayloadSize").value)

    def _talk(self, question: Callable[[], Answer]) -> Answer:
        try:
            return question()
        except self._errors as error:
            raise self._away(error) from error

    def statistics(self) -> dict[str, int]:
        """What GenTL counts of any transport: buffers of which there was none free. Packets are the producer's own."""
        stream = self._acquirer.data_streams[0] if self._acquirer is not None else None
        return {} if stream is None else {"underruns": self._known(lambda: stream.num_underrun)}

    def close(self) -> None:
        """Stop, and give camera and producer up."""
        acquirer, self._acquirer = self._acquirer, None
        used, self._producer = self._producer, None
        steps = [acquirer.stop, acquirer.destroy] if acquirer is not None else []
        for step in [*steps, used.leave] if used is not None else steps:
            try:
                step()
            except self._errors as error:
                self._log.warning("camera_not_stopped", camera=self._settings.camera, reason=str(error))

    def abandon(self) -> None:
        """Let go of a camera that does not answer, behind our back: a producer may wait for it."""
        threading.Thread(target=self.close, name=f"abandon-{self._settings.source}", daemon=True).start()


def _offer(node: Any, error: Exception) -> str:
    """What the camera takes instead."""
    if symbolics := getattr(node, "symbolics", None):
        return f"it offers {', '.join(symbolics)}"
    low, high = getattr(node, "min", None), getattr(node, "max", None)
    return str(error) if low is None or high is None else f"it takes {low:g} to {high:g}"
