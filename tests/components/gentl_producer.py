"""A real GenTL producer: the GenICam committee's own, with three simulated cameras, inside the package ``genicam``."""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from tests.components.requirement import missing_component

CAMERA: Final = "VikyTL_DEV_red"
OTHER_CAMERA: Final = "VikyTL_DEV_green"


def viky() -> Path:
    """The producer's file; skips where the extra ``gentl`` is not installed."""
    spec = find_spec("genicam")
    found = Path(spec.origin if spec is not None and spec.origin else "").parent / "viky.cti"
    if not found.is_file():
        missing_component("gentl", "no viky.cti: the Python package genicam (extra gentl, x86-64) is not installed")
    return found
