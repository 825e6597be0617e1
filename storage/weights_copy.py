"""Copies a recipe's files out of an object store, and lets through only what has the named sha256."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from storage.objects import open_payload_store
from wire.errors import ConfigurationError, DecodeError


def copy_weights(
    source: str, target: Path, files: Mapping[str, str], *, progress: Callable[[str], None] = lambda _: None
) -> None:
    """Copy each of ``files`` (name → sha256) from the object store ``source`` into the folder ``target``.

    What is there already with the right sha256 stays. ConfigurationError names every file that is missing or differs,
    none of which is written; ObjectStoreUnavailable if the store is away.
    """
    payloads = open_payload_store(source)
    target.mkdir(parents=True, exist_ok=True)
    problems = []
    try:
        for name, sha256 in files.items():
            path = target / name
            if path.is_file() and _sha256(path.read_bytes()) == sha256:
                progress(f"{name} is there")
                continue
            try:
                content = payloads.get(name)
            except DecodeError as error:
                problems.append(f"{source}: {name}: {error}")
                continue
            if (found := _sha256(content)) != sha256:
                problems.append(f"{source}: {name} has sha256 {found}, expected {sha256}; name the right file or sum")
                continue
            draft = path.with_name(f".{name}~")
            draft.write_bytes(content)
            draft.replace(path)
            progress(f"copied {name}, {len(content)} bytes")
    finally:
        payloads.close()
    if problems:
        raise ConfigurationError(problems)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
