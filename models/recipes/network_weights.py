"""The shipped networks in one file: safetensors with a header that says how they are built, known by its hash."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from models.backbones.student import Student, StudentSettings
from models.backbones.weights_file import file_sha256
from models.ground.decoder import Decoder, DecoderSettings
from wire.errors import ConfigurationError

_STUDENT, _DECODER = "student", "decoder"
_HEADER = "lineside"


def load_networks(file: Path, sha256: str, device: torch.device) -> tuple[Student, Decoder]:
    """Both networks, ready to run. ConfigurationError if the file is not the one with that hash, or not whole."""
    found = file_sha256(file)
    if found != sha256:
        raise ConfigurationError([f"weights {file}: sha256 is {found}, the recipe says {sha256}"])
    student, decoder, _ = read_networks(file)
    for network in (student, decoder):
        fuse(network.eval())
        network.to(device).to(memory_format=torch.channels_last).requires_grad_(requires_grad=False)
    return student, decoder


def read_networks(file: Path) -> tuple[Student, Decoder, DecoderSettings]:
    """Both networks as training left them, to go on with. ConfigurationError if the file is not whole."""
    try:
        with safe_open(str(file), framework="pt") as opened:
            header = json.loads((opened.metadata() or {})[_HEADER])
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}
        student = Student(StudentSettings.model_validate(header[_STUDENT]))
        decoder_settings = DecoderSettings.model_validate(header[_DECODER])
        decoder = new_decoder(decoder_settings, student.settings)
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise ConfigurationError([f"weights {file}: {error}"]) from error
    problems = [
        f"weights {file}: {problem}"
        for name, network in ((_STUDENT, student), (_DECODER, decoder))
        for problem in _fill(network, name, tensors)
    ]
    if problems:
        raise ConfigurationError(problems)
    return student, decoder, decoder_settings


def noted(file: Path) -> dict[str, str]:
    """The ``notes`` that ``pack_networks`` was given. ConfigurationError if the file is not whole."""
    try:
        with safe_open(str(file), framework="pt") as opened:
            header = json.loads((opened.metadata() or {})[_HEADER])
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise ConfigurationError([f"weights {file}: {error}"]) from error
    return {name: value for name, value in header.items() if name not in (_STUDENT, _DECODER)}


def student_sha256(file: Path) -> str:
    """What features are known by: the hash of the student's tensors, whatever decoder lies beside them."""
    digest = hashlib.sha256()
    with safe_open(str(file), framework="pt") as opened:
        for name in sorted(name for name in opened.keys() if name.startswith(f"{_STUDENT}.")):
            digest.update(name.encode())
            digest.update(opened.get_tensor(name).numpy().tobytes())
    return digest.hexdigest()


def new_decoder(settings: DecoderSettings, student: StudentSettings) -> Decoder:
    """An untrained decoder that fits a student."""
    return Decoder(
        settings, fine_dims=student.fine_dims, coarse_dims=student.coarse_dims, detail_dims=student.widths[1]
    )


def pack_networks(
    student: Student, decoder: Decoder, decoder_settings: DecoderSettings, notes: Mapping[str, str]
) -> bytes:
    """A weights file, in half precision: features differ by less than a thousandth of their spread, at half the size.

    ``notes`` go into the header beside the settings.
    """
    tensors = {
        f"{name}.{key}": value.half().contiguous() if value.is_floating_point() else value
        for name, network in ((_STUDENT, student), (_DECODER, decoder))
        for key, value in network.state_dict().items()
    }
    header = {
        **notes,
        _STUDENT: student.settings.model_dump(mode="json"),
        _DECODER: decoder_settings.model_dump(mode="json"),
    }
    # One entry: safetensors writes several in an order of chance, and the same networks would make other bytes.
    named = {name: tensors[name].cpu() for name in sorted(tensors)}
    return save(named, {_HEADER: json.dumps(header, sort_keys=True)})


def _fill(network: nn.Module, prefix: str, tensors: Mapping[str, Tensor]) -> list[str]:
    """Copy the tensors in; what is missing, strange or of another shape."""
    own = {name.removeprefix(f"{prefix}."): value for name, value in tensors.items() if name.startswith(f"{prefix}.")}
    expected = network.state_dict()
    problems = [f"{prefix}.{name} is missing" for name in expected.keys() - own.keys()]
    problems += [f"{prefix}.{name} is not expected" for name in own.keys() - expected.keys()]
    problems += [
        f"{prefix}.{name} has shape {tuple(own[name].shape)}, expected {tuple(expected[name].shape)}"
        for name in own.keys() & expected.keys()
        if own[name].shape != expected[name].shape
    ]
    if not problems:
        network.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in own.items()})
    return sorted(problems)


def fuse(network: nn.Module) -> None:
    """Fold every batch norm into the convolution before it: same values up to rounding, a quarter of the time less."""
    for module in network.modules():
        if isinstance(module, nn.Sequential):
            for index in range(len(module) - 1):
                convolution, norm = module[index], module[index + 1]
                if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                    module[index] = fuse_conv_bn_eval(convolution, norm)
                    module[index + 1] = nn.Identity()
