"""Which back end runs a camera of the configuration."""

from connectors.calibration import load_calibration
from connectors.camera.calibrated_camera import CalibratedCamera
from connectors.camera.settings import CameraEntry, WatchedSource
from connectors.camera.watched_folder import WatchedFolder
from connectors.capture_loop import CameraSource
from connectors.genicam.settings import GenicamSource
from connectors.metrics import ConnectorMetrics
from connectors.source_ledger import SourceLedgers


def open_camera(settings: CameraEntry, *, line: str, ledgers: SourceLedgers, metrics: ConnectorMetrics) -> CameraSource:
    """Choose by what the entry names. Nothing is connected yet. ConfigurationError on a wrong calibration file."""
    camera = _open(settings, line=line, ledgers=ledgers, metrics=metrics)
    if settings.calibration is None:
        return camera
    return CalibratedCamera(camera, load_calibration(settings.calibration))


def _open(settings: CameraEntry, *, line: str, ledgers: SourceLedgers, metrics: ConnectorMetrics) -> CameraSource:
    if isinstance(settings, WatchedSource):
        return WatchedFolder(settings, line=line, ledgers=ledgers, metrics=metrics)
    if isinstance(settings, GenicamSource):
        # Here, as below: a process that watches folders needs neither OpenCV nor the libraries of ffmpeg (PyAV).
        from connectors.genicam.genicam_camera import GenicamCamera

        return GenicamCamera(settings, line=line, ledgers=ledgers, metrics=metrics)
    from connectors.replay.sources import open_replay

    return open_replay(settings, line=line)
