"""The Debian packages behind each component: what is missing here, and its installation.

`make system` runs this file with the system's Python before any environment exists: standard library only.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from ctypes.util import find_library
from dataclasses import dataclass
from pathlib import Path


def postgres_binary(name: str) -> Path | None:
    """Find a PostgreSQL program: Debian keeps them outside PATH, one folder per version; the newest wins."""
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which(name)
    return versions[-1] if versions else Path(on_path) if on_path else None


def _has_program(name: str) -> Callable[[], bool]:
    return lambda: shutil.which(name) is not None


def _has_library(name: str) -> Callable[[], bool]:
    return lambda: find_library(name) is not None


def _has_gstreamer_plugin(name: str) -> Callable[[], bool]:
    return lambda: any(Path("/usr/lib").glob(f"*/gstreamer-1.0/libgst{name}.so"))


def _has_java_17() -> bool:
    java = shutil.which("java")
    if java is None:
        return False
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    quoted = answer.split('"')
    major = quoted[1].split(".")[0] if len(quoted) > 1 else ""
    return major.isdigit() and int(major) >= 17


@dataclass(frozen=True)
class SystemPackage:
    """One Debian package, the component that needs it, and how to see that its content is there.

    The content is looked for rather than the package: a machine may have Node or Java from elsewhere, and Debian's
    package would then conflict with it.
    """

    name: str
    components: tuple[str, ...]
    is_present: Callable[[], bool]


PACKAGES = (
    SystemPackage("postgresql", ("postgres",), lambda: postgres_binary("initdb") is not None),
    SystemPackage("prometheus", ("prometheus",), _has_program("prometheus")),
    SystemPackage("chromium", ("chromium",), _has_program("chromium")),
    SystemPackage("openjdk-17-jre-headless", ("kafka",), _has_java_17),
    SystemPackage("maven", ("kafka",), _has_program("mvn")),
    SystemPackage("nodejs", ("node_opcua",), _has_program("node")),
    SystemPackage("npm", ("node_opcua",), _has_program("npm")),
    SystemPackage("iproute2", ("netns",), _has_program("ip")),
    SystemPackage("ffmpeg", ("ffmpeg",), _has_program("ffmpeg")),
    SystemPackage("libgl1", ("open3d",), _has_library("GL")),
    SystemPackage("libgomp1", ("open3d",), _has_library("gomp")),
    SystemPackage("libusb-1.0-0", ("open3d",), _has_library("usb-1.0")),
    SystemPackage("gstreamer1.0-tools", ("gstreamer",), _has_program("gst-launch-1.0")),
    SystemPackage("gstreamer1.0-plugins-base", ("gstreamer",), _has_gstreamer_plugin("videotestsrc")),
    SystemPackage("gstreamer1.0-plugins-good", ("gstreamer",), _has_gstreamer_plugin("rtsp")),
    SystemPackage(
        "gstreamer1.0-rtsp",
        ("gstreamer",),
        _has_gstreamer_plugin("rtspclientsink"),
    ),
    SystemPackage("libaravis-0.8-0", ("aravis",), _has_library("aravis-0.8")),
    SystemPackage("aravis-tools-cli", ("aravis",), _has_program("arv-tool-0.8")),
    SystemPackage("aravis-tools", ("aravis",), _has_program("arv-fake-gv-camera-0.8")),
    SystemPackage("libgstrtspserver-1.0-0", ("gstreamer",), _has_library("gstrtspserver-1.0")),
)
COMPONENTS = tuple(sorted({component for package in PACKAGES for component in package.components}))


def missing_packages(component: str | None = None) -> list[str]:
    """Return the names of the packages whose content is not on this machine, for one component or for all."""
    return [
        package.name
        for package in PACKAGES
        if (component is None or component in package.components) and not package.is_present()
    ]


def install_missing() -> int:
    """Install what is missing with apt-get, as root or through sudo. Returns the exit status."""
    missing = missing_packages()
    if not missing:
        sys.stdout.write("All system packages are present.\n")
        return 0
    if shutil.which("apt-get") is None:
        sys.stderr.write(f"error: no apt-get here. Install what corresponds to: {' '.join(missing)}\n")
        return 1
    prefix: list[str] = []
    if os.geteuid() != 0:
        if shutil.which("sudo") is None:
            sys.stderr.write(f"error: neither root nor sudo. Ask an administrator for: {' '.join(missing)}\n")
            return 1
        prefix = ["sudo"]
    prefix += ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet"]
    status = subprocess.run([*prefix, "update"], check=False).returncode
    if status != 0:
        return status
    # Ubuntu, for one, has no chromium package: one unknown name would keep apt-get from installing all the others.
    known = [name for name in missing if _is_in_archive(name)]
    if known:
        sys.stdout.write(f"Installing: {' '.join(known)}\n")
        sys.stdout.flush()
        status = subprocess.run(
            [*prefix, "install", "--yes", "--no-install-recommends", *known], check=False
        ).returncode
        if status != 0:
            return status
    still_missing = missing_packages()
    if still_missing:
        sys.stderr.write(f"error: not to be had from this distribution's archive: {' '.join(still_missing)}\n")
        return 1
    return 0


def _is_in_archive(name: str) -> bool:
    return subprocess.run(["apt-cache", "show", name], capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--install"]:
        sys.exit(install_missing())
    sys.stdout.write("".join(f"{name}\n" for name in missing_packages()))
