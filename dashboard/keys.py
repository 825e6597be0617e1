"""API keys: who may do what. The file holds SHA-256 hashes, so reading it gives nobody access.

    keys:
      - name: line-3-panel
        role: operator
        sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08

A plain hash suffices because keys are random (``python -m dashboard key``), not chosen by people.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wire.errors import ConfigurationError
from wire.settings_file import problems, read_keys


class Role(StrEnum):
    """What a caller may do; each role includes those before it."""

    VIEWER = "viewer"  # read everything
    OPERATOR = "operator"  # accept and reject parts
    ENGINEER = "engineer"  # change what a line knows: build, roll back, thresholds

    def covers(self, needed: "Role") -> bool:
        """Whether this role may do what ``needed`` may."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Who asks. ``name`` ends up in audit rows as ``by``."""

    name: str
    role: Role


class ApiKey(BaseModel):
    """One line of the keys file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[\w.@ -]+$")]
    role: Role
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _KeysFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    keys: Annotated[tuple[ApiKey, ...], Field(min_length=1)]


class KeyRing:
    """The known keys. An empty ring stands for "loopback only, everybody is an engineer"."""

    def __init__(self, keys: Sequence[ApiKey] = ()) -> None:
        self._keys = tuple(keys)

    @classmethod
    def read(cls, path: Path) -> "KeyRing":
        """Read a keys file; ConfigurationError lists every problem with file and key."""
        try:
            keys = _KeysFile.model_validate(read_keys(path)).keys
        except ValidationError as error:
            # Whoever took a key for its hash must not find it in a log.
            raise ConfigurationError(problems(error, where=str(path), show_values=False)) from error
        names = [key.name for key in keys]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise ConfigurationError([f"{path}: keys: the name {name!r} is there twice" for name in doubled])
        return cls(keys)

    def __bool__(self) -> bool:
        return bool(self._keys)

    def identify(self, key: str) -> Principal | None:
        """The principal of ``key``, None if nobody has it. Compares every hash, so timing tells nothing."""
        digest = hash_of(key)
        found = None
        for known in self._keys:
            if hmac.compare_digest(known.sha256, digest):
                found = Principal(name=known.name, role=known.role)
        return found

    def named(self, name: str) -> Principal | None:
        """The principal called ``name``: a session ends when its key leaves the file."""
        return next((Principal(name=key.name, role=key.role) for key in self._keys if key.name == name), None)


def hash_of(key: str) -> str:
    """SHA-256 of a key as 64 hex digits: what the keys file holds."""
    return hashlib.sha256(key.encode()).hexdigest()


def new_key() -> str:
    """A fresh random key of 256 bits."""
    return f"ls_{secrets.token_urlsafe(32)}"
