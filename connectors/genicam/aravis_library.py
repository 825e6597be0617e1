"""The C library Aravis through ctypes: signatures, and errors as exceptions. Its one home.

Taken by ctypes rather than through GObject introspection: a wheel of PyGObject does not exist, its build needs a
compiler and four Debian packages on the edge machine, and Debian's own bindings belong to Debian's Python alone. The
thirty functions here are in the stable 0.8 interface.
"""

import ctypes
from ctypes import POINTER, c_char_p, c_double, c_int, c_size_t, c_uint, c_uint32, c_uint64, c_void_p
from typing import Any, Final

from connectors.errors import SourceUnavailable

PACKAGE: Final = "libaravis-0.8-0"
_LIBRARY: Final = "libaravis-0.8.so.0"
_GOBJECT: Final = "libgobject-2.0.so.0"


class _Error(ctypes.Structure):
    _fields_ = (("domain", c_uint32), ("code", c_int), ("message", c_char_p))


_ErrorPointer = POINTER(_Error)
# Result and arguments. A last argument ``GError **`` is added to those of ``_FALLIBLE``.
_PLAIN: Final[dict[str, tuple[Any, tuple[Any, ...]]]] = {
    "arv_update_device_list": (None, ()),
    "arv_get_n_devices": (c_uint, ()),
    "arv_get_device_id": (c_char_p, (c_uint,)),
    "arv_get_device_vendor": (c_char_p, (c_uint,)),
    "arv_get_device_model": (c_char_p, (c_uint,)),
    "arv_get_device_serial_nbr": (c_char_p, (c_uint,)),
    "arv_get_device_address": (c_char_p, (c_uint,)),
    "arv_get_device_protocol": (c_char_p, (c_uint,)),
    "arv_camera_get_device": (c_void_p, (c_void_p,)),
    "arv_camera_is_gv_device": (c_int, (c_void_p,)),
    "arv_camera_gv_set_packet_size_adjustment": (None, (c_void_p, c_int)),
    "arv_buffer_new_allocate": (c_void_p, (c_size_t,)),
    "arv_buffer_get_status": (c_int, (c_void_p,)),
    "arv_buffer_get_payload_type": (c_int, (c_void_p,)),
    "arv_buffer_get_frame_id": (c_uint64, (c_void_p,)),
    "arv_buffer_get_timestamp": (c_uint64, (c_void_p,)),
    "arv_buffer_get_system_timestamp": (c_uint64, (c_void_p,)),
    "arv_buffer_get_image_data": (c_void_p, (c_void_p, POINTER(c_size_t))),
    "arv_buffer_get_image_pixel_format": (c_uint32, (c_void_p,)),
    "arv_buffer_get_image_width": (c_int, (c_void_p,)),
    "arv_buffer_get_image_height": (c_int, (c_void_p,)),
    "arv_buffer_get_image_padding": (None, (c_void_p, POINTER(c_int), POINTER(c_int))),
    "arv_stream_push_buffer": (None, (c_void_p, c_void_p)),
    "arv_stream_timeout_pop_buffer": (c_void_p, (c_void_p, c_uint64)),
    "arv_stream_get_n_infos": (c_uint, (c_void_p,)),
    "arv_stream_get_info_name": (c_char_p, (c_void_p, c_uint)),
    "arv_stream_get_info_uint64_by_name": (c_uint64, (c_void_p, c_char_p)),
}
_FALLIBLE: Final[dict[str, tuple[Any, tuple[Any, ...]]]] = {
    "arv_camera_new": (c_void_p, (c_char_p,)),
    "arv_camera_get_vendor_name": (c_char_p, (c_void_p,)),
    "arv_camera_get_model_name": (c_char_p, (c_void_p,)),
    "arv_camera_get_device_serial_number": (c_char_p, (c_void_p,)),
    "arv_camera_is_feature_available": (c_int, (c_void_p, c_char_p)),
    "arv_camera_dup_available_enumerations_as_strings": (POINTER(c_char_p), (c_void_p, c_char_p, POINTER(c_uint))),
    "arv_camera_get_string": (c_char_p, (c_void_p, c_char_p)),
    "arv_camera_set_boolean": (None, (c_void_p, c_char_p, c_int)),
    "arv_camera_set_pixel_format_from_string": (None, (c_void_p, c_char_p)),
    "arv_camera_set_region": (None, (c_void_p, c_int, c_int, c_int, c_int)),
    "arv_camera_get_width_bounds": (None, (c_void_p, POINTER(c_int), POINTER(c_int))),
    "arv_camera_get_height_bounds": (None, (c_void_p, POINTER(c_int), POINTER(c_int))),
    "arv_camera_set_exposure_time": (None, (c_void_p, c_double)),
    "arv_camera_get_exposure_time_bounds": (None, (c_void_p, POINTER(c_double), POINTER(c_double))),
    "arv_camera_set_gain": (None, (c_void_p, c_double)),
    "arv_camera_get_gain_bounds": (None, (c_void_p, POINTER(c_double), POINTER(c_double))),
    "arv_camera_set_frame_rate": (None, (c_void_p, c_double)),
    "arv_camera_get_frame_rate_bounds": (None, (c_void_p, POINTER(c_double), POINTER(c_double))),
    "arv_camera_set_trigger": (None, (c_void_p, c_char_p)),
    "arv_camera_clear_triggers": (None, (c_void_p,)),
    "arv_camera_software_trigger": (None, (c_void_p,)),
    "arv_camera_gv_set_packet_size": (None, (c_void_p, c_int)),
    "arv_camera_gv_auto_packet_size": (c_uint, (c_void_p,)),
    "arv_camera_get_payload": (c_uint, (c_void_p,)),
    "arv_camera_create_stream": (c_void_p, (c_void_p, c_void_p, c_void_p)),
    "arv_camera_start_acquisition": (None, (c_void_p,)),
    "arv_camera_stop_acquisition": (None, (c_void_p,)),
    "arv_device_set_features_from_string": (c_int, (c_void_p, c_char_p)),
}  # fmt: skip


class AravisError(Exception):
    """What the library or the camera refused; the message is Aravis' own."""


class AravisLibrary:
    """Calls by the C function's name. Thread-safe as Aravis is: one camera, one thread."""

    def __init__(self) -> None:
        """Load it; SourceUnavailable names the Debian package that is missing."""
        try:
            self._library = ctypes.CDLL(_LIBRARY)
            self._objects = ctypes.CDLL(_GOBJECT)
        except OSError as error:
            raise SourceUnavailable(f"{error}; install the Debian package {PACKAGE}", retry_after_s=60.0) from error
        for name, (result, arguments) in _PLAIN.items():
            self._declare(name, result, arguments)
        for name, (result, arguments) in _FALLIBLE.items():
            self._declare(name, result, (*arguments, POINTER(_ErrorPointer)))
        for library, name in ((self._objects, "g_object_unref"), (self._objects, "g_free")):
            function = getattr(library, name)
            function.restype, function.argtypes = None, (c_void_p,)
        self._objects.g_error_free.restype, self._objects.g_error_free.argtypes = None, (_ErrorPointer,)

    def _declare(self, name: str, result: Any, arguments: tuple[Any, ...]) -> None:
        function = getattr(self._library, name)
        function.restype, function.argtypes = result, arguments

    def ask(self, name: str, *arguments: Any) -> Any:
        """Call a function that cannot fail."""
        return getattr(self._library, name)(*arguments)

    def attempt(self, name: str, *arguments: Any) -> Any:
        """Call a function that can fail: AravisError says why."""
        error = _ErrorPointer()
        result = getattr(self._library, name)(*arguments, ctypes.byref(error))
        if error:  # type: ignore[truthy-bool]  # false where it is a null pointer
            message = (error.contents.message or b"no reason given").decode(errors="replace")
            self._objects.g_error_free(error)
            raise AravisError(message)
        return result

    def choices(self, camera: int, feature: str) -> list[str]:
        """The values that an enumeration of the camera offers just now."""
        count = c_uint()
        found = self.attempt(
            "arv_camera_dup_available_enumerations_as_strings", camera, feature.encode(), ctypes.byref(count)
        )
        try:
            return [found[at].decode() for at in range(count.value)]
        finally:
            self._objects.g_free(found)

    def bounds(self, name: str, camera: int, kind: type[c_int] | type[c_double]) -> tuple[float, float]:
        """(least, most) of a setting, by the function ``name``."""
        low, high = kind(), kind()
        self.attempt(name, camera, ctypes.byref(low), ctypes.byref(high))
        return low.value, high.value

    def release(self, thing: int | None) -> None:
        """Drop our reference to a camera or stream."""
        if thing:
            self._objects.g_object_unref(thing)


def text(raw: bytes | None) -> str:
    """A C string, empty where there is none."""
    return "" if raw is None else raw.decode(errors="replace")
