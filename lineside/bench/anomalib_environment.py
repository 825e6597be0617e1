"""anomalib's own Python environment: its dependencies have no place in the product's."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

# One version, so that figures of different days mean the same.
ANOMALIB: Final = "anomalib==2.7.0"
# Written last: an environment without it was interrupted while it was made.
_COMPLETE: Final = "complete"
# Where the Makefile puts uv if there is none on PATH.
_OWN_UV: Final = Path(".cache/uv/bin/uv")
_INSTALL_S: Final = 1800.0


class Unavailable(Exception):
    """What a benchmark needs cannot be had here; the message says what and why."""


def anomalib_python(environment: Path, tell: Callable[[str], None]) -> Path:
    """The interpreter that has anomalib; makes the environment if it is not there. Unavailable with the reason."""
    python = environment / "bin" / "python"
    complete = environment / _COMPLETE
    if complete.is_file() and complete.read_text(encoding="utf-8") == ANOMALIB:
        return python
    uv = shutil.which("uv") or (str(_OWN_UV) if _OWN_UV.is_file() else None)
    if uv is None:
        raise Unavailable(f"needs uv on PATH or at {_OWN_UV} to install {ANOMALIB}")
    tell(f"installing {ANOMALIB} into {environment}, once")
    _do([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(environment)])
    _do([uv, "pip", "install", "--quiet", "--python", str(python), ANOMALIB])
    complete.write_text(ANOMALIB, encoding="utf-8")
    return python


def _do(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{ANOMALIB} cannot be installed: {error}") from error
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        raise Unavailable(f"{ANOMALIB} cannot be installed: {' '.join(last)}")
