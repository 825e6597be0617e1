"""The files of this checkout: what is committed or could be."""

import subprocess
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
ROOMS = ("connectors", "dashboard", "lineside", "models", "storage", "stream", "wire")


@cache
def repository_files() -> tuple[Path, ...]:
    """Return the tracked files and the new ones that git does not ignore, as paths from the repository's root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    paths = (Path(name) for name in listed.split("\0") if name)
    return tuple(sorted(path for path in paths if (REPOSITORY / path).is_file()))


def text_of(path: Path) -> str | None:
    """Return the text of a file of the repository; None for binary content."""
    content = (REPOSITORY / path).read_bytes()
    if b"\0" in content:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None
