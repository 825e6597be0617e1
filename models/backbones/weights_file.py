"""Weights from a file that somebody names: read without running code, and compared with what the network expects.

safetensors is read first of all. torch's own files are read with ``weights_only``: a pickle that holds more than
tensors is refused, since loading it would run whatever its author put there. Nothing is ever downloaded.
"""

import hashlib
import pickle
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from wire.errors import ConfigurationError

# Checkpoints of training keep their network under one of these names.
_WRAPPERS = ("state_dict", "model", "model_state_dict")
_PREFIX = "module."
# Problems that a person still reads one by one.
_MANY = 10


@dataclass(frozen=True, kw_only=True)
class KeyReport:
    """How tensors of a file fit a network. ``misshapen``: (key, shape in the file, shape expected)."""

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    misshapen: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]

    @property
    def fits(self) -> bool:
        """Nothing is missing, strange or of another shape."""
        return not (self.missing or self.unexpected or self.misshapen)

    def problems(self, file: Path | str) -> list[str]:
        """One line each, for a ConfigurationError; of many the last one says how many."""
        lines = [
            *(f"weights {file}: {key} is missing" for key in self.missing),
            *(f"weights {file}: {key} is not expected" for key in self.unexpected),
            *(f"weights {file}: {key} has shape {found}, expected {due}" for key, found, due in self.misshapen),
        ]
        if len(lines) > _MANY:
            counts = f"{len(self.missing)} missing, {len(self.unexpected)} not expected, {len(self.misshapen)} of other"
            lines.append(f"weights {file}: {counts} shape: a file of another network or size?")
        return lines


def read_weights(file: Path) -> dict[str, Tensor]:
    """Tensors by key, on the CPU. ConfigurationError if the file is away, is no file of weights, or holds code."""
    if not file.is_file():
        raise ConfigurationError([f"weights {file}: no such file; weights are read from files, never downloaded"])
    if file.suffix == ".safetensors":
        try:
            return load_file(str(file))
        except SafetensorError as error:
            raise ConfigurationError([f"weights {file}: {error}"]) from error
    return _flat(file, _torch_file(file))


def file_sha256(file: Path) -> str:
    """Of the bytes, read piece by piece."""
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise ConfigurationError([f"weights {file}: {error.strerror}"]) from error


def compare_keys(network: nn.Module, tensors: Mapping[str, Tensor]) -> KeyReport:
    """What ``load_weights`` would say, without loading."""
    expected = network.state_dict()
    return KeyReport(
        missing=tuple(sorted(expected.keys() - tensors.keys())),
        unexpected=tuple(sorted(tensors.keys() - expected.keys())),
        misshapen=tuple(
            (key, tuple(tensors[key].shape), tuple(expected[key].shape))
            for key in sorted(tensors.keys() & expected.keys())
            if tensors[key].shape != expected[key].shape
        ),
    )


def load_weights(network: nn.Module, tensors: Mapping[str, Tensor], file: Path | str) -> None:
    """Copy all tensors in. ConfigurationError names every key that is missing, strange or of another shape."""
    report = compare_keys(network, tensors)
    if not report.fits:
        raise ConfigurationError(report.problems(file))
    network.load_state_dict(dict(tensors))


def frozen(network: nn.Module, device: torch.device) -> None:
    """Ready to look: on the device, in evaluation mode, and without gradients."""
    network.to(device).eval().requires_grad_(requires_grad=False)


def parameters_sha256(network: nn.Module) -> str:
    """Of every parameter and buffer, by name: equal before and after a training that must not touch them."""
    digest = hashlib.sha256()
    for key, tensor in sorted(network.state_dict().items()):
        digest.update(f"{key}:{tuple(tensor.shape)};".encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _torch_file(file: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about pickle protocols: refused or read all the same
            return torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        archived = _torchscript(file)
        if archived is not None:
            return archived
        raise ConfigurationError(
            [f"weights {file}: no plain tensors ({_first_line(error)}); loading it would run code. "
             "Convert it to safetensors where you trust it"]
        ) from error  # fmt: skip


def _torchscript(file: Path) -> dict[str, Tensor] | None:
    """The tensors of a TorchScript archive (OpenAI's CLIP), whose code is never called; None if it is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # TorchScript is deprecated; OpenAI's files stay as they are
            archive = torch.jit.load(file, map_location="cpu")  # type: ignore[no-untyped-call]
            return dict(archive.state_dict())
    except RuntimeError:
        return None


def _flat(file: Path, content: Any) -> dict[str, Tensor]:
    for name in _WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(name), dict):
            content = content[name]
    if not isinstance(content, dict) or not all(isinstance(each, Tensor) for each in content.values()):
        raise ConfigurationError([f"weights {file}: holds {type(content).__name__}, expected tensors by key"])
    return {str(key).removeprefix(_PREFIX): tensor for key, tensor in content.items()}


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
