"""A camera whose frames say how it was calibrated when they were taken."""

from dataclasses import replace

import structlog

from connectors.calibration import CameraCalibration
from connectors.capture_loop import CameraSource
from connectors.captured import Captured


class CalibratedCamera:
    """Adds the attributes of the version that held at each frame's time. Everything else is the camera's own.

    What the device itself says about a frame wins. A frame from before the first version gets nothing.
    """

    def __init__(self, camera: CameraSource, calibration: CameraCalibration) -> None:
        self._camera = camera
        self._calibration = calibration
        self._version: str | None = None
        self._log = structlog.get_logger("connectors.camera", source=camera.name)

    @property
    def name(self) -> str:
        """``<line>/<device>``."""
        return self._camera.name

    def next(self, timeout_s: float) -> Captured | None:
        """The next frame. SourceUnavailable as the camera says."""
        captured = self._camera.next(timeout_s)
        if captured is None:
            return None
        version = self._calibration.at(captured.event.time)
        name = version.version if version is not None else None
        if name != self._version:
            self._log.info("calibration", version=name)
            self._version = name
        if version is None:
            return captured
        extensions = {**version.attributes(), **captured.event.extensions}
        return Captured(
            origin=captured.origin, event=replace(captured.event, extensions=extensions), done=captured.done
        )

    def close(self) -> None:
        """Let go of the device."""
        self._camera.close()
