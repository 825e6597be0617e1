"""One camera through Aravis: opened, set up, streaming. Every failure is a ``SourceUnavailable``."""

import ctypes
import threading
from collections.abc import Callable
from ctypes import c_double, c_int, c_size_t
from functools import partial
from typing import Final, TypeVar

import numpy as np
import structlog

from connectors.errors import SourceUnavailable
from connectors.genicam.aravis_library import AravisError, AravisLibrary, text
from connectors.genicam.device import Delivered, RawPicture
from connectors.genicam.settings import GenicamSource, Trigger

Value = TypeVar("Value")
Answer = TypeVar("Answer")

_SUCCESS: Final = 0
_PACKET_SIZE_NEVER_ADJUSTED: Final = 0
# A camera that refuses a setting will refuse it again; somebody has to change the file or the camera.
_REFUSED_RETRY_S: Final = 10.0
_PTP_SWITCHES: Final = ("PtpEnable", "GevIEEE1588")  # SFNC 2.x, and before
_PTP_STATES: Final = ("PtpStatus", "GevIEEE1588Status")
_PTP_FOLLOWS: Final = frozenset({"slave", "locked"})


class AravisDevice:
    """A ``GenicamDevice``."""

    def __init__(self, library: AravisLibrary, settings: GenicamSource) -> None:
        """Connect, set up, begin. SourceUnavailable: it is not there, somebody else's, or refuses a setting."""
        self._library = library
        self._settings = settings
        self._stream: int | None = None
        self._log = structlog.get_logger("connectors.genicam", source=settings.source)
        try:
            self._camera: int | None = library.attempt("arv_camera_new", settings.camera.encode())
        except AravisError as error:
            raise SourceUnavailable(f"{settings.camera}: {error}", retry_after_s=1.0) from error
        try:
            self.description = " ".join(
                text(library.attempt(f"arv_camera_get_{what}", self._camera))
                for what in ("vendor_name", "model_name", "device_serial_number")
            )
            self._set_up()
            self._ptp = self._switch_ptp_on()
            self._begin()
        except AravisError as error:
            self.close()
            raise SourceUnavailable(f"{settings.camera}: {error}", retry_after_s=1.0) from error
        except SourceUnavailable:
            self.close()
            raise

    def _set_up(self) -> None:
        """Apply the settings in the order in which they depend on each other."""
        one, attempt = self._settings, self._library.attempt
        if one.pixel_format is not None:
            self._set("pixel_format", one.pixel_format, self._set_pixel_format)
        if (region := one.region) is not None:
            shown = f"{region.width} x {region.height} at {region.x}, {region.y}"
            self._set("region", shown, lambda _: self._set_region())
        if one.exposure_us is not None:
            self._set("exposure_us", one.exposure_us, lambda value: self._set_number("exposure_time", value))
        if one.gain_db is not None:
            self._set("gain_db", one.gain_db, lambda value: self._set_number("gain", value))
        if one.trigger is Trigger.FREE_RUN:
            attempt("arv_camera_clear_triggers", self._camera)
            if one.rate_fps is not None:
                self._set("rate_fps", one.rate_fps, lambda value: self._set_number("frame_rate", value))
        else:
            source = "Software" if one.trigger is Trigger.SOFTWARE else one.trigger_source
            self._set("trigger_source", source, self._set_trigger)
        for name, value in one.features.items():
            self._set(f"features.{name}", value, partial(self._set_feature, name))
        if self._library.ask("arv_camera_is_gv_device", self._camera):
            self._library.ask("arv_camera_gv_set_packet_size_adjustment", self._camera, _PACKET_SIZE_NEVER_ADJUSTED)
            if one.packet_bytes is None:
                attempt("arv_camera_gv_auto_packet_size", self._camera)
            else:
                size = one.packet_bytes
                self._set("packet_bytes", size, lambda _: attempt("arv_camera_gv_set_packet_size", self._camera, size))

    def _set(self, key: str, value: Value, apply: Callable[[Value], object]) -> None:
        try:
            apply(value)
        except (AravisError, ValueError) as error:
            message = f"{self._settings.camera}: {key}: the camera refuses {value!r}: {error}"
            raise SourceUnavailable(message, retry_after_s=_REFUSED_RETRY_S) from error

    def _set_pixel_format(self, name: str) -> None:
        self._check_choice(name, "PixelFormat")
        self._library.attempt("arv_camera_set_pixel_format_from_string", self._camera, name.encode())

    def _set_trigger(self, source: str) -> None:
        self._check_choice(source, "TriggerSource")
        self._library.attempt("arv_camera_set_trigger", self._camera, source.encode())

    def _check_choice(self, value: str, feature: str) -> None:
        choices = self._library.choices(self._handle, feature)
        if value not in choices:
            raise ValueError(f"it offers {', '.join(choices)}")

    def _set_region(self) -> None:
        region = self._settings.region
        if region is None:
            return
        # The bounds of width and height hold for the offsets that are set, so those go to 0 first.
        self._library.attempt("arv_camera_set_region", self._camera, 0, 0, -1, -1)
        for key, offset, size in (("width", region.x, region.width), ("height", region.y, region.height)):
            low, high = self._library.bounds(f"arv_camera_get_{key}_bounds", self._handle, c_int)
            if not low <= size <= high - offset:
                raise ValueError(f"{key} is between {low} and {high - offset} there")
        self._library.attempt(
            "arv_camera_set_region", self._camera, region.x, region.y, region.width, region.height
        )  # fmt: skip

    def _set_number(self, what: str, value: float) -> None:
        low, high = self._library.bounds(f"arv_camera_get_{what}_bounds", self._handle, c_double)
        if not low <= value <= high:
            raise ValueError(f"it takes {low:g} to {high:g}")
        self._library.attempt(f"arv_camera_set_{what}", self._camera, value)

    def _set_feature(self, name: str, value: str | int | float | bool) -> None:
        if not self._library.attempt("arv_camera_is_feature_available", self._camera, name.encode()):
            raise ValueError("it has no such feature")
        written = str(value).lower() if isinstance(value, bool) else str(value)
        device = self._library.ask("arv_camera_get_device", self._camera)
        self._library.attempt("arv_device_set_features_from_string", device, f"{name}={written}".encode())

    def _switch_ptp_on(self) -> str | None:
        """The feature that tells whether the camera's clock follows a PTP master; None if it has no PTP."""
        for switch, state in zip(_PTP_SWITCHES, _PTP_STATES, strict=True):
            if self._has(switch) and self._has(state):
                self._library.attempt("arv_camera_set_boolean", self._camera, switch.encode(), 1)
                return state
        return None

    def _has(self, feature: str) -> bool:
        return bool(self._library.attempt("arv_camera_is_feature_available", self._camera, feature.encode()))

    def _begin(self) -> None:
        size = self._library.attempt("arv_camera_get_payload", self._camera)
        self._stream = self._library.attempt("arv_camera_create_stream", self._camera, None, None)
        for _ in range(self._settings.buffers):
            self._library.ask(
                "arv_stream_push_buffer", self._stream, self._library.ask("arv_buffer_new_allocate", size)
            )
        names = (
            text(self._library.ask("arv_stream_get_info_name", self._stream, at))
            for at in range(self._library.ask("arv_stream_get_n_infos", self._stream))
        )
        self._statistics = tuple(name for name in names if name.startswith("n_"))
        self._library.attempt("arv_camera_start_acquisition", self._camera)

    @property
    def _handle(self) -> int:
        if self._camera is None:
            raise AravisError("the camera is closed")
        return self._camera

    def pop(self, timeout_s: float) -> Delivered | None:
        """The next buffer, None if none came in time. Give it back."""
        handle = self._library.ask("arv_stream_timeout_pop_buffer", self._stream, max(0, int(timeout_s * 1e6)))
        if not handle:
            return None
        ask = self._library.ask
        complete = ask("arv_buffer_get_status", handle) == _SUCCESS
        frame_id = ask("arv_buffer_get_frame_id", handle)
        return Delivered(
            handle=handle,
            # 0 is no block id of GigE Vision: the buffer is new, and no leader has come for it yet.
            frame_id=frame_id if complete or frame_id else None,
            camera_ns=ask("arv_buffer_get_timestamp", handle),
            host_ns=ask("arv_buffer_get_system_timestamp", handle),
            picture=self._picture(handle) if complete else None,
        )

    def _picture(self, handle: int) -> RawPicture:
        ask = self._library.ask
        size, padding, padding_y = c_size_t(), c_int(), c_int()
        address = ask("arv_buffer_get_image_data", handle, ctypes.byref(size))
        ask("arv_buffer_get_image_padding", handle, ctypes.byref(padding), ctypes.byref(padding_y))
        return RawPicture(
            data=np.frombuffer(memoryview((ctypes.c_uint8 * size.value).from_address(address)), np.uint8),
            code=ask("arv_buffer_get_image_pixel_format", handle),
            width=ask("arv_buffer_get_image_width", handle),
            height=ask("arv_buffer_get_image_height", handle),
            padding=padding.value,
        )

    def give_back(self, delivered: Delivered) -> None:
        """Let the camera write into the buffer again."""
        self._library.ask("arv_stream_push_buffer", self._stream, delivered.handle)

    def fire(self) -> None:
        """Trigger by software. SourceUnavailable if the camera does not answer."""
        self._talk(lambda: self._library.attempt("arv_camera_software_trigger", self._camera))

    def follows_ptp(self) -> bool:
        """Whether the camera says that its clock follows a PTP master."""
        state = self._ptp
        if state is None:
            return False
        said = self._talk(lambda: self._library.attempt("arv_camera_get_string", self._camera, state.encode()))
        return text(said).lower() in _PTP_FOLLOWS

    def check_answers(self) -> None:
        """Ask it something. SourceUnavailable after three seconds (Aravis' six attempts) if it is silent."""
        self._talk(lambda: self._library.attempt("arv_camera_get_payload", self._camera))

    def _talk(self, question: Callable[[], Answer]) -> Answer:
        try:
            return question()
        except AravisError as error:
            raise SourceUnavailable(f"{self._settings.camera}: {error}", retry_after_s=0.5) from error

    def statistics(self) -> dict[str, int]:
        """Aravis' counts since the stream began, by name: packets (received, missing, resent, …) and buffers."""
        ask = self._library.ask
        return {
            name.removeprefix("n_"): ask("arv_stream_get_info_uint64_by_name", self._stream, name.encode())
            for name in self._statistics
        }

    def close(self) -> None:
        """Stop the stream and give the camera up, so that it can be connected at once."""
        camera, stream, self._camera, self._stream = self._camera, self._stream, None, None
        if camera is None:
            return
        try:
            if stream is not None:
                self._library.attempt("arv_camera_stop_acquisition", camera)
        except AravisError as error:
            self._log.warning("camera_not_stopped", camera=self._settings.camera, reason=str(error))
        self._library.release(stream)
        self._library.release(camera)

    def abandon(self) -> None:
        """Let go of a camera that does not answer, behind our back: each question to it takes Aravis 3 s."""
        threading.Thread(target=self.close, name=f"abandon-{self._settings.source}", daemon=True).start()
