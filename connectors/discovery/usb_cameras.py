"""USB cameras of this machine, as Linux lists them (V4L2)."""

from pathlib import Path
from typing import Final

from connectors.discovery.device import Findings, FoundDevice

_LISTED: Final = Path("/sys/class/video4linux")


class UsbCameras:
    """Reads the kernel's list; opens nothing."""

    def __init__(self, listed: Path = _LISTED) -> None:
        self._listed = listed

    def find(self) -> Findings:
        """The first device node of each camera: further ones carry metadata, no pictures."""
        devices = []
        for entry in sorted(self._listed.glob("video*"), key=lambda path: (len(path.name), path.name)):
            index, name = _read(entry / "index"), _read(entry / "name")
            if index in ("", "0"):
                node = f"/dev/{entry.name}"
                devices.append(
                    FoundDevice(kind="usb", address=node, name=name or "USB camera", settings={"usb": node})
                )  # fmt: skip
        return Findings(devices=devices)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
