"""Teachers: networks that saw natural images, whose features the student learns to predict. Never shipped."""

from pathlib import Path
from typing import Protocol

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from models.backbones.filter_bank import FilterBank, FilterBankSettings
from models.backbones.weights_file import file_sha256
from wire.errors import ConfigurationError


class Teacher(Protocol):
    """Two feature maps per image: fine at stride 8, coarse at stride 16. ``sha256``: of its weights, if it has any."""

    name: str
    sha256: str | None

    def features(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """See images (B, 3, H, W) in [0, 1], multiples of 32 -> (fine (B, F, H/8, W/8), coarse (B, C, H/16, W/16))."""


def load_teacher(file: Path, device: torch.device) -> Teacher:
    """A teacher from a weights file: Keras' MobileNet v1 as safetensors, a torchvision or timm ResNet-18, -34 or -50.

    Checkpoints that need pickle are refused (``weights_only``). ConfigurationError says what was expected.
    """
    try:
        if file.suffix == ".safetensors":
            weights = load_file(str(file), device=str(device))
        else:
            loaded = torch.load(file, map_location=device, weights_only=True)
            weights = loaded.get("state_dict", loaded)
    except (OSError, RuntimeError, ValueError, AttributeError) as error:
        raise ConfigurationError([f"teacher {file}: {error}"]) from error
    if "conv_dw_1/depthwise_kernel" in weights:
        return MobileNetTeacher(weights, name=f"MobileNet v1 ({file.name})", sha256=file_sha256(file))
    if "layer1.0.conv1.weight" in weights:
        return ResNetTeacher(weights, name=f"ResNet ({file.name})", sha256=file_sha256(file), device=device)
    some = ", ".join(sorted(weights)[:3])
    raise ConfigurationError(
        [f"teacher {file}: neither Keras' MobileNet v1 nor a torchvision or timm ResNet; its keys begin {some}"]
    )


class FilterTeacher:
    """Fixed filters at both strides: what is left to learn from when there is no network that saw anything."""

    name = "none (fixed filters)"
    sha256: str | None = None

    def __init__(self, device: torch.device) -> None:
        fine, coarse = (
            FilterBank(
                FilterBankSettings(
                    levels=levels,
                    kernel_px=7,
                    sigma_px=1.0,
                    orientations=4,
                    wavelength_px=4.0,
                    stride_px=stride,
                    log_offset=0.05,
                )
            ).to(device)
            for levels, stride in ((4, 8), (5, 16))
        )
        self._fine, self._coarse = fine, coarse

    @torch.inference_mode()
    def features(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """See ``Teacher``."""
        red, green, blue = images.float().unbind(1)
        planes = torch.stack([images.float().mean(1), red - green, (red + green) / 2 - blue], 1)
        return self._fine(planes), self._coarse(planes)


class MobileNetTeacher:
    """Blocks 5 and 12 of MobileNet v1, the latter twice as dense as in the network itself.

    The stride of block 12 is left out: every second feature of the map is then exactly the network's own, and those
    between are the ones of the image shifted by 16 px. Source: Howard et al., arXiv 1704.04861; Keras' layer names.
    """

    _STRIDE_TWO = frozenset({2, 4, 6})
    _EPSILON = 1e-3
    _FINE, _COARSE = 5, 12

    def __init__(self, weights: dict[str, Tensor], *, name: str, sha256: str) -> None:
        self.name = name
        self.sha256: str | None = sha256
        try:
            self._stem = self._folded(weights, "conv1/kernel", "conv1_bn")
            self._blocks = [
                (
                    self._folded(weights, f"conv_dw_{i}/depthwise_kernel", f"conv_dw_{i}_bn"),
                    self._folded(weights, f"conv_pw_{i}/kernel", f"conv_pw_{i}_bn"),
                )
                for i in range(1, self._COARSE + 1)
            ]
        except KeyError as error:
            raise ConfigurationError([f"teacher {name}: tensor {error.args[0]!r} is missing"]) from error

    def _folded(self, weights: dict[str, Tensor], kernel: str, norm: str) -> tuple[Tensor, Tensor]:
        """Kernel (out, in, h, w) and bias with the batch norm folded in."""
        depthwise = "depthwise" in kernel
        gain = weights[f"{norm}/gamma"] / torch.sqrt(weights[f"{norm}/moving_variance"] + self._EPSILON)
        values = weights[kernel].permute(2, 3, 0, 1) if depthwise else weights[kernel].permute(3, 2, 0, 1)
        bias = weights[f"{norm}/beta"] - weights[f"{norm}/moving_mean"] * gain
        return (values * gain[:, None, None, None]).contiguous(), bias

    @torch.inference_mode()
    def features(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """See ``Teacher``."""
        kernel, bias = self._stem
        x = F.conv2d(F.pad(images * 2 - 1, (0, 1, 0, 1)), kernel, bias, stride=2).clamp(0, 6)
        fine = x
        for number, ((depth, depth_bias), (point, point_bias)) in enumerate(self._blocks, 1):
            if number in self._STRIDE_TWO:
                x = F.conv2d(F.pad(x, (0, 1, 0, 1)), depth, depth_bias, stride=2, groups=len(depth))
            else:
                x = F.conv2d(x, depth, depth_bias, padding=1, groups=len(depth))
            x = F.conv2d(x.clamp(0, 6), point, point_bias).clamp(0, 6)
            if number == self._FINE:
                fine = x
        return fine, x


class ResNetTeacher:
    """Layers 2 and 3 of a ResNet with ImageNet's normalisation (fine: stride 8, coarse: stride 16)."""

    _MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

    def __init__(self, weights: dict[str, Tensor], *, name: str, sha256: str, device: torch.device) -> None:
        # Only whoever trains with such a teacher needs torchvision.
        from torchvision.models import resnet18, resnet34, resnet50

        self.name = name
        self.sha256: str | None = sha256
        bottleneck = "layer1.0.conv3.weight" in weights
        make = resnet50 if bottleneck else (resnet34 if "layer1.2.conv1.weight" in weights else resnet18)
        network: nn.Module = make(weights=None)
        report = network.load_state_dict({k: v for k, v in weights.items() if not k.startswith("fc.")}, strict=False)
        missing = [key for key in report.missing_keys if not key.startswith("fc.")]
        if missing or report.unexpected_keys:
            raise ConfigurationError(
                [f"teacher {name}: missing {missing[:3]}, unexpected {report.unexpected_keys[:3]}"]
            )
        self._network = network.to(device).eval()
        self._mean = torch.tensor(self._MEAN, device=device)[:, None, None]
        self._std = torch.tensor(self._STD, device=device)[:, None, None]

    @torch.inference_mode()
    def features(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """See ``Teacher``."""
        own = self._network
        x = (images - self._mean) / self._std
        for name in ("conv1", "bn1", "relu", "maxpool", "layer1"):
            x = own.get_submodule(name)(x)
        fine = own.get_submodule("layer2")(x)
        return fine, own.get_submodule("layer3")(fine)
