from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.metrics import roc_auc_score
from torch.nn import functional as F

from models.train.separation import auroc, measure
from models.train.targets import Projection
from models.train.teacher import FilterTeacher, load_teacher
from wire.errors import ConfigurationError

CPU = torch.device("cpu")


def keras_weights(folder: Path) -> Path:
    """MobileNet's layers with 8 channels each and random values."""
    generator = torch.Generator().manual_seed(0)

    def norm(name: str) -> dict[str, torch.Tensor]:
        return {
            f"{name}/gamma": torch.rand(8, generator=generator) + 0.5,
            f"{name}/beta": torch.rand(8, generator=generator),
            f"{name}/moving_mean": torch.rand(8, generator=generator),
            f"{name}/moving_variance": torch.rand(8, generator=generator) + 0.5,
        }

    tensors = {"conv1/kernel": torch.randn(3, 3, 3, 8, generator=generator) * 0.3, **norm("conv1_bn")}
    for i in range(1, 13):
        tensors[f"conv_dw_{i}/depthwise_kernel"] = torch.randn(3, 3, 8, 1, generator=generator) * 0.5
        tensors[f"conv_pw_{i}/kernel"] = torch.randn(1, 1, 8, 8, generator=generator) * 0.5
        tensors |= norm(f"conv_dw_{i}_bn") | norm(f"conv_pw_{i}_bn")
    file = folder / "teacher.safetensors"
    save_file(tensors, str(file))
    return file


def test_the_teachers_last_block_is_the_networks_own_at_every_second_place(tmp_path: Path):
    teacher = load_teacher(keras_weights(tmp_path), CPU)
    images = torch.rand(1, 3, 64, 64)
    fine, coarse = teacher.features(images)
    assert fine.shape == (1, 8, 8, 8)
    assert coarse.shape == (1, 8, 4, 4)
    # By hand from block 11 on: stride 2 with Keras' padding to the right and bottom.
    own = teacher._blocks  # type: ignore[attr-defined]
    x = images * 2 - 1
    kernel, bias = teacher._stem  # type: ignore[attr-defined]
    x = F.conv2d(F.pad(x, (0, 1, 0, 1)), kernel, bias, stride=2).clamp(0, 6)
    for number, ((depth, depth_bias), (point, point_bias)) in enumerate(own, 1):
        if number in (2, 4, 6, 12):
            x = F.conv2d(F.pad(x, (0, 1, 0, 1)), depth, depth_bias, stride=2, groups=8)
        else:
            x = F.conv2d(x, depth, depth_bias, padding=1, groups=8)
        x = F.conv2d(x.clamp(0, 6), point, point_bias).clamp(0, 6)
    assert torch.allclose(x, coarse[:, :, 1::2, 1::2], atol=1e-5)


def test_a_file_that_is_no_teacher_is_named(tmp_path: Path):
    save_file({"something": torch.zeros(1)}, str(tmp_path / "x.safetensors"))
    with pytest.raises(ConfigurationError, match="its keys begin something"):
        load_teacher(tmp_path / "x.safetensors", CPU)


def test_without_a_network_fixed_filters_teach():
    fine, coarse = FilterTeacher(CPU).features(torch.rand(2, 3, 64, 64))
    assert fine.shape[2:] == (8, 8)
    assert coarse.shape[2:] == (4, 4)


def test_targets_are_centred_and_of_unit_size():
    features = torch.randn(4, 6, 8, 8) * torch.tensor([9.0, 4, 2, 1, 1, 1])[:, None, None] + 3
    projected = Projection.fit([features], 3)(features)
    assert projected.shape == (4, 3, 8, 8)
    assert projected.mean().item() == pytest.approx(0, abs=1e-4)
    assert projected.square().mean().item() == pytest.approx(1, abs=0.01)


def test_more_dimensions_than_the_teacher_has_are_constant():
    features = torch.randn(2, 4, 8, 8)
    projected = Projection.fit([features], 6)(features)
    assert projected[:, 4:].abs().max().item() == 0


def test_separation_agrees_with_scikit_learn_on_ties():
    rng = np.random.default_rng(0)
    scores, labels = rng.integers(0, 8, 500).astype(np.float32), rng.random(500) < 0.3
    assert auroc(scores, labels) == pytest.approx(roc_auc_score(labels, scores))


def test_lines_with_one_label_do_not_count():
    maps = [np.array([[[0.0, 1.0]]], np.float32), np.array([[[0.0, 1.0]]], np.float32)]
    masks = [np.array([[[False, True]]]), np.array([[[False, False]]])]
    assert measure(maps, masks).cells == 1.0
    assert np.isnan(measure(maps[1:], masks[1:]).cells)
