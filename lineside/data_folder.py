"""Where a site keeps its things on disk, and the lock that lets only one ``lineside up`` use them."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lineside.disk_space import is_no_room
from wire.errors import ConfigurationError, MustStop


@dataclass(frozen=True, kw_only=True)
class DataFolder:
    """The layout below ``--data-dir``."""

    root: Path

    @property
    def site_file(self) -> Path:
        """What the running (or last) ``lineside up`` tells the other commands."""
        return self.root / "site.json"

    @property
    def database_url(self) -> str:
        """The default database."""
        return f"sqlite:///{self.root.resolve() / 'lineside.db'}"

    @property
    def objects_url(self) -> str:
        """The default object store."""
        return (self.root.resolve() / "objects").as_uri()

    @property
    def truth(self) -> Path:
        """The plant's ledger of truth."""
        return self.root / "plant" / "truth.jsonl"

    @property
    def broker_address(self) -> Path:
        """Where the embedded broker says how to reach it."""
        return self.root / "broker.json"

    @property
    def prometheus(self) -> Path:
        """A configuration with which Prometheus scrapes every process of the site."""
        return self.root / "prometheus.yml"

    def config(self, name: str) -> Path:
        """The configuration file of a process."""
        return self.root / "config" / f"{name}.yaml"

    def log(self, name: str) -> Path:
        """The log file of a process."""
        return self.root / "logs" / f"{name}.log"

    def watch(self, line: str) -> Path:
        """Where the cameras of a line deliver their files, one folder per modality."""
        return self.root / "watch" / line

    def spool(self, name: str) -> Path:
        """Where a connector keeps what it cannot publish."""
        return self.root / "spool" / name

    def make(self) -> None:
        """Make the folders. ConfigurationError if the disk says no."""
        try:
            for name in ("config", "logs", "objects", "plant", "spool", "watch"):
                (self.root / name).mkdir(parents=True, exist_ok=True)
            # Configuration files carry the broker's passwords.
            (self.root / "config").chmod(0o700)
        except OSError as error:
            raise ConfigurationError([f"--data-dir: {self.root} cannot be used: {error.strerror}"]) from error

    @contextmanager
    def needing_room(self) -> Iterator[None]:
        """MustStop in place of the system's word that the disk is full."""
        try:
            yield
        except OSError as error:
            if is_no_room(error):
                raise MustStop(f"--data-dir: the disk of {self.root} is full; make room and start again") from error
            raise

    def lock(self) -> IO[str]:
        """Claim the folder until the file is closed. ConfigurationError if another ``lineside up`` has it."""
        file = (self.root / ".lock").open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            owner = file.read().strip() or "unknown"
            file.close()
            raise ConfigurationError(
                [f"--data-dir: {self.root} is in use by another lineside up (process {owner}); stop it or take another"]
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        return file
