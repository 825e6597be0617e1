"""Zero-shot: what is rare within the part itself (RX detector: Mahalanobis distance to the image's own patches)."""

import numpy as np
import torch

from models.memory.patch_memory import Map, PatchFeatures, smooth
from models.memory.whitening import WhiteningSettings, fit_whitening
from models.settings import PartSettings

_MAD_TO_SIGMA = 1.4826


class SelfReferenceSettings(PartSettings):
    """``trimmed_share`` of the patches is left out of the statistics that all are measured by.

    ``threshold_sigma``: an image whose peak lies this many robust standard deviations above its median is a defect;
    None = scores without a verdict. It is a stated constant, not a calibrated one: without references no false-alarm
    rate can be promised.
    """

    whitening: WhiteningSettings
    trimmed_share: float
    smoothing_cells: float
    threshold_sigma: float | None
    map_sigma: float


def self_distance_map(features: PatchFeatures, settings: SelfReferenceSettings) -> Map:
    """(h, w) float32 >= 0 in robust sigma of the image's own distances; 0 = no rarer than its median patch."""
    vectors = features.vectors()
    height, width = features.values.shape[1:]
    if len(vectors) < 2:
        return np.zeros((height, width), np.float32)
    distances = fit_whitening(vectors, settings.whitening)(vectors).norm(dim=1)
    # The defect itself widens the first statistics; the second are taken without the strangest patches.
    usual = distances <= distances.quantile(1 - settings.trimmed_share)
    distances = fit_whitening(vectors[usual], settings.whitening)(vectors).norm(dim=1)
    grid = torch.full((height, width), float(distances.median()))
    grid[features.valid if features.valid is not None else torch.ones(height, width, dtype=torch.bool)] = distances
    smoothed = smooth(grid.numpy(), settings.smoothing_cells)
    median = float(np.median(smoothed))
    sigma = _MAD_TO_SIGMA * float(np.median(np.abs(smoothed - median)))
    # A perfectly uniform image has no spread; a hundredth of its own level keeps rounding from looking rare.
    sigma = max(sigma, 0.01 * median, 1e-6)
    return np.asarray(np.maximum((smoothed - median) / sigma, 0), np.float32)
