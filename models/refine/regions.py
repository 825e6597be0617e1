"""From a map to marked places: mask, connected regions, facts."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.facts.extractor import facts_of
from models.memory.patch_memory import Map
from models.refine.local_contrast import LocalContrastSettings, sharpen
from wire.finding import Region

# A region smaller than half a feature patch each way is finer than the detector can see: noise of the upsampling.
_MIN_AREA_SHARE_OF_PATCH = 0.25
# An operator reads the largest ones; a part that is bad all over must not fill the history with rows.
MAX_REGIONS = 32


@dataclass(frozen=True, kw_only=True)
class Marking:
    """A region reaches as far as the map exceeds ``tau``, if it exceeds ``image_threshold`` somewhere."""

    tau: float
    image_threshold: float
    patch_area_px: float


def upsample(anomaly: Map, size: tuple[int, int], patch_px: tuple[float, float]) -> Map:
    """Map (h, w) of patches -> (H, W) = ``size``, bilinear between patch centres; ``patch_px`` (y, x) per patch."""
    height, width = size
    rows, columns = round(anomaly.shape[0] * patch_px[0]), round(anomaly.shape[1] * patch_px[1])
    large = np.asarray(
        cv2.resize(anomaly, (max(columns, width), max(rows, height)), interpolation=cv2.INTER_LINEAR), np.float32
    )
    return large[:height, :width]


def regions_of(
    full: Map,
    marking: Marking,
    *,
    modality: str,
    grey: NDArray[np.uint8],
    mm_per_px: float | None,
    planes: NDArray[np.float32] | None,
    sharpening: LocalContrastSettings,
) -> tuple[NDArray[np.uint8], list[Region]]:
    """(numbers (H, W), regions by falling score) of ``full`` (H, W); a region's score is its peak.

    A pixel's number is its region's index + 1, or 0 in none.

    Regions are 8-connected where the map exceeds ``tau``; sharpened to pixels of ``planes`` (P, H, W) they may fall
    into pieces. The region of the map's peak is always kept, so a defect never comes without a region.
    """
    labels, kept = _components(full, marking)
    marked = np.isin(labels, kept)
    numbers = np.zeros(marked.shape, np.uint8)
    regions = []
    for index, label in enumerate(kept):
        coarse = labels == label
        own = coarse if planes is None else sharpen(coarse, marked, full, planes, sharpening)
        numbers[own] = index + 1
        rows, columns = np.flatnonzero(own.any(axis=1)), np.flatnonzero(own.any(axis=0))
        regions.append(
            Region(
                index=index,
                modality=modality,
                xyxy_px=(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1),
                area_px=int(own.sum()),
                score=float(full[coarse].max()),
                facts=facts_of(own, grey, mm_per_px),
            )
        )
    return numbers, regions


def _components(full: Map, marking: Marking) -> tuple[NDArray[np.int32], Sequence[int]]:
    """(labels (H, W), the kept ones by falling peak)."""
    peak = np.unravel_index(int(full.argmax()), full.shape)
    over = full >= min(marking.tau, float(full[peak]))
    _, raw_labels, stats, _ = cv2.connectedComponentsWithStats(over.astype(np.uint8), connectivity=8)
    labels, areas = np.asarray(raw_labels, np.int32), np.asarray(stats)[:, cv2.CC_STAT_AREA]
    peaks = np.zeros(len(areas), np.float32)
    np.maximum.at(peaks, labels[over].astype(np.intp), full[over])
    main = int(labels[peak])
    least = _MIN_AREA_SHARE_OF_PATCH * marking.patch_area_px
    kept = [
        label
        for label in range(1, len(areas))
        if label == main or (peaks[label] > marking.image_threshold and areas[label] >= least)
    ]
    kept.sort(key=lambda label: -float(peaks[label]))
    return labels, kept[:MAX_REGIONS]
