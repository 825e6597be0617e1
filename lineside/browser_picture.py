"""Pictures of pages, made by Chromium without a window."""

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from wire.errors import ConfigurationError, RetryLater

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# A cold start of Chromium on a busy machine takes some ten seconds.
_START_S: Final = 60.0


def take(url: str, file: Path, *, width_px: int, height_px: int, settle_s: float) -> None:
    """Open ``url``, let it live ``settle_s`` seconds, write what is seen to ``file`` (PNG).

    ConfigurationError if there is no Chromium or the folder does not exist, RetryLater if it made no picture.
    """
    program = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if program is None:
        raise ConfigurationError(["screenshot: needs Chromium; on Debian and Ubuntu: apt-get install chromium"])
    file = file.resolve()
    if not file.parent.is_dir():
        raise ConfigurationError([f"screenshot: the folder {file.parent} does not exist"])
    with tempfile.TemporaryDirectory(prefix="lineside-chromium-") as profile:
        made = Path(profile) / "page.png"
        answer = subprocess.run(
            [
                program,
                "--headless=new",
                # Containers often forbid what the sandbox needs; the page is the site's own.
                "--no-sandbox",
                "--disable-dev-shm-usage",
                "--disable-gpu",
                "--hide-scrollbars",
                f"--user-data-dir={profile}",
                f"--window-size={width_px},{height_px}",
                f"--timeout={int(settle_s * 1000)}",
                f"--screenshot={made}",
                url,
            ],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_START_S + settle_s,
            check=False,
        )
        if not made.exists():
            last = (answer.stderr.strip().splitlines() or ["no message"])[-1]
            raise RetryLater(f"screenshot: {program} made no picture of {url}: {last}")
        shutil.move(made, file)
