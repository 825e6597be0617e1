"""Files that a command writes at its end: what would fail then fails at its beginning."""

from pathlib import Path


def folder_problems(option: str, file: Path | None) -> list[str]:
    """What keeps ``file`` from being written, for a ConfigurationError; nothing where none is wanted."""
    if file is None or file.resolve().parent.is_dir():
        return []
    return [f"{option}: the folder {file.resolve().parent} does not exist"]
