"""A real RTSP camera: GStreamer's RTSP server with a moving test picture, in a process of its own.

Run as a module (`python -m tests.components.rtsp_server PORT WIDTH HEIGHT FPS`) it serves until it is killed.
"""

import ctypes
import ctypes.util
import socket
import sys
import tempfile
from pathlib import Path
from typing import Self

from tests.components.child_process import ChildProcess
from tests.components.ports import free_port
from tests.components.waiting import wait_until

START_DEADLINE_S = 20.0
REPOSITORY = Path(__file__).resolve().parents[2]


class RealRtspCamera:
    """`rtsp://127.0.0.1:PORT/camera`, Motion JPEG; keeps its port over `kill` and `start`."""

    def __init__(self, *, width: int = 160, height: int = 120, fps: int = 25) -> None:
        self.port = free_port()
        self.address = f"rtsp://127.0.0.1:{self.port}/camera"
        self._arguments = [str(self.port), str(width), str(height), str(fps)]
        self._log = Path(tempfile.mkdtemp(prefix="lineside-rtsp-")) / "server.log"
        self._process: ChildProcess | None = None

    def start(self) -> Self:
        process = ChildProcess(
            [sys.executable, "-m", "tests.components.rtsp_server", *self._arguments], log_path=self._log, cwd=REPOSITORY
        )
        self._process = process

        def answers() -> bool:
            process.ensure_alive()
            with socket.socket() as client:
                client.settimeout(1.0)
                return client.connect_ex(("127.0.0.1", self.port)) == 0

        wait_until(answers, START_DEADLINE_S, f"the RTSP server on port {self.port}")
        return self

    def freeze(self) -> None:
        """Keep the connection and send nothing more."""
        assert self._process is not None
        self._process.freeze()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._log.unlink(missing_ok=True)
        self._log.parent.rmdir()


def serve(port: str, width: str, height: str, fps: str) -> None:
    """Serve through the C libraries, because Debian's Python bindings belong to Debian's Python alone."""
    gst = ctypes.CDLL(ctypes.util.find_library("gstreamer-1.0"))
    rtsp = ctypes.CDLL(ctypes.util.find_library("gstrtspserver-1.0"))
    glib = ctypes.CDLL(ctypes.util.find_library("glib-2.0"))
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    signatures = {
        (rtsp, "gst_rtsp_server_new"): (pointer, []),
        (rtsp, "gst_rtsp_server_set_address"): (None, [pointer, text]),
        (rtsp, "gst_rtsp_server_set_service"): (None, [pointer, text]),
        (rtsp, "gst_rtsp_server_get_mount_points"): (pointer, [pointer]),
        (rtsp, "gst_rtsp_server_attach"): (ctypes.c_uint, [pointer, pointer]),
        (rtsp, "gst_rtsp_media_factory_new"): (pointer, []),
        (rtsp, "gst_rtsp_media_factory_set_launch"): (None, [pointer, text]),
        (rtsp, "gst_rtsp_mount_points_add_factory"): (None, [pointer, text, pointer]),
        (glib, "g_main_loop_new"): (pointer, [pointer, ctypes.c_int]),
        (glib, "g_main_loop_run"): (None, [pointer]),
    }
    for (library, name), (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    gst.gst_init(None, None)
    server = rtsp.gst_rtsp_server_new()
    rtsp.gst_rtsp_server_set_address(server, b"127.0.0.1")
    rtsp.gst_rtsp_server_set_service(server, port.encode())
    factory = rtsp.gst_rtsp_media_factory_new()
    picture = f"video/x-raw,format=I420,width={width},height={height},framerate={fps}/1"
    launch = f"( videotestsrc is-live=true pattern=ball ! {picture} ! jpegenc ! rtpjpegpay name=pay0 pt=26 )"
    rtsp.gst_rtsp_media_factory_set_launch(factory, launch.encode())
    rtsp.gst_rtsp_mount_points_add_factory(rtsp.gst_rtsp_server_get_mount_points(server), b"/camera", factory)
    if not rtsp.gst_rtsp_server_attach(server, None):
        raise SystemExit(f"cannot listen on port {port}")
    glib.g_main_loop_run(glib.g_main_loop_new(None, 0))


if __name__ == "__main__":
    serve(*sys.argv[1:])
