"""Things that are fetched once into a cache: under a lock, and whole or not at all."""

import fcntl
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

CACHE = Path(os.environ.get("LINESIDE_CACHE", "~/.cache/lineside")).expanduser()
REPOSITORY = Path(__file__).resolve().parents[2]


def fetched(name: str, fill: Callable[[Path], None]) -> Path:
    """Return the folder `name` of the cache, which `fill` fills the first time.

    Several test runs may ask at once: one fills, into a folder that gets its final name when complete.
    """
    folder = CACHE / name
    if folder.is_dir():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            scratch = Path(tempfile.mkdtemp(dir=CACHE))
            try:
                fill(scratch)
                scratch.rename(folder)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    return folder


def wheel(requirement: str, sha256: str, *, folder: Path) -> None:
    """Unpack one wheel of the package index into `folder`, without what it depends on."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = folder / "requirement.txt"
    wanted.write_text(f"{requirement} --hash=sha256:{sha256}\n")
    run([uv(), "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--target", folder, "-r", wanted])
    wanted.unlink()


def unzip(archive: Path, target: Path) -> None:
    """Unpack, with the permission bits that zipfile leaves out."""
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            path = Path(opened.extract(member, target))
            if path.is_file():
                path.chmod(0o755)


def run(command: list[str | Path], *, environment: dict[str, str] | None = None, cwd: Path | None = None) -> str:
    """Output of a program; RuntimeError with all it said if it fails."""
    answer = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **(environment or {})}, cwd=cwd
    )
    if answer.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))} failed:\n{answer.stdout}{answer.stderr}")
    return answer.stdout


def uv() -> Path:
    """As the Makefile chooses it: what PATH has, else the project's own."""
    on_path = shutil.which("uv")
    own = REPOSITORY / ".cache" / "uv" / "bin" / "uv"
    if own.is_file() or on_path is None:
        return own
    return Path(on_path)
