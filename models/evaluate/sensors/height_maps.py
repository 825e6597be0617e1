"""Height maps with masks, each judged without any reference: the plane residual against the recipe's depth detector."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from models.backbones.geometric_rgb import geometric_rgb
from models.backbones.geometry import GeometrySettings, depth_planes
from models.evaluate.metrics.ranking import Ranking
from wire.errors import ConfigurationError
from wire.inspector import Inspector
from wire.part import Part

Depth = NDArray[np.float32]
_LINE = "evaluation"
_PART = UUID(int=0)
# Of larger scenes every n-th pixel both ways is ranked: neighbours repeat each other, and sorting would take longest.
_PIXELS = 200_000


class HeightScene(BaseModel):
    """Pixel AUROC of one scene by scorer, over the pixels with a return; ``defect_share`` of them is defective."""

    model_config = ConfigDict(frozen=True)

    name: str
    defect_share: float
    auroc: dict[str, float]


def read_scene(depth_file: Path, mask_file: Path) -> tuple[Depth, NDArray[np.bool_]]:
    """(depth (H, W) rising away from the camera, NaN = no return; mask (H, W)) from 16-bit disparity and a label.

    Disparity rises towards the camera, here without calibration: 0.01 mm a step, an arbitrary scale. Its two end values
    mean that no match was found. ConfigurationError if a file cannot be read or their sizes differ.
    """
    disparity = cv2.imread(str(depth_file), cv2.IMREAD_UNCHANGED)
    label = cv2.imread(str(mask_file), cv2.IMREAD_UNCHANGED)
    if disparity is None or disparity.dtype != np.uint16 or disparity.ndim != 2:
        raise ConfigurationError([f"{depth_file}: no 16-bit grey picture"])
    if label is None or label.shape[:2] != disparity.shape:
        raise ConfigurationError([f"{mask_file}: no mask of {disparity.shape[0]} x {disparity.shape[1]}"])
    depth = np.where((disparity == 0) | (disparity == 65535), np.nan, disparity * np.float32(-0.01))
    return depth.astype(np.float32), label.reshape(*disparity.shape, -1).max(axis=2) > 0


def evaluate_heights(
    root: Path, inspector: Inspector, settings: GeometrySettings, *, max_pixels: int, show: Callable[[str], None]
) -> list[HeightScene]:
    """Every ``depth/NAME.png`` with its ``masks/NAME.png`` under ``root``. ConfigurationError if there is none."""
    files = sorted((root / "depth").glob("*.png"))
    if not files:
        raise ConfigurationError([f"--dataset: {root} holds no depth/*.png"])
    scenes = []
    for index, file in enumerate(files, start=1):
        show(f"{index} of {len(files)}, {file.name}")
        depth, mask = read_scene(file, root / "masks" / file.name)
        known = np.isfinite(depth)
        found = {name: _auroc(score, mask, known) for name, score in _planes(depth, settings, max_pixels).items()}
        picture = geometric_rgb(depth, settings, max_pixels=max_pixels).values
        part = Part(
            inspection_id=_PART,
            line=_LINE,
            part_id=file.stem,
            depth_mm=depth,
            images={"geometry": np.round(picture.transpose(1, 2, 0) * 255).astype(np.uint8)},
        )
        maps = inspector.inspect([part], [None])[0].pictures
        for name, modality in (("recipe on depth", "depth"), ("recipe on geometric picture", "geometry")):
            if modality in maps:
                found[name] = _auroc(_sized(maps[modality].map, mask.shape), mask, known)
        scenes.append(HeightScene(name=file.stem, defect_share=float(mask[known].mean()), auroc=found))
    return scenes


def _planes(depth: Depth, settings: GeometrySettings, max_pixels: int) -> dict[str, Depth]:
    height, slope, curvature, _ = depth_planes(depth, settings, max_pixels=max_pixels).values
    scores = {"|height|": np.abs(height), "slope": slope, "|curvature|": np.abs(curvature)}
    return {name: _sized(score, depth.shape) for name, score in scores.items()}


def _sized(score: Depth, size: tuple[int, ...]) -> Depth:
    return np.asarray(cv2.resize(score.astype(np.float32), (size[1], size[0]), interpolation=cv2.INTER_LINEAR))


def _auroc(score: Depth, mask: NDArray[np.bool_], known: NDArray[np.bool_]) -> float:
    step = max(1, round((mask.size / _PIXELS) ** 0.5))
    score, mask, known = score[::step, ::step], mask[::step, ::step], known[::step, ::step]
    good, defect = score[known & ~mask].astype(np.float64), score[known & mask].astype(np.float64)
    return Ranking.of_scores(good, defect).auroc() or float("nan")
