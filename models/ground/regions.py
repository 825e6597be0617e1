"""From a map to marked places: mask, connected regions, facts."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from models.facts.extractor import facts_of
from models.memory.patch_memory import Map
from wire.finding import Region

# A region smaller than half a feature patch each way is finer than the detector can see: noise of the upsampling.
_MIN_AREA_SHARE_OF_PATCH = 0.25
# An operator reads the largest ones; a part that is bad all over must not fill the history with rows.
MAX_REGIONS = 32


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
    grey: NDArray[np.uint8],
    *,
    modality: str,
    tau: float,
    image_threshold: float,
    patch_area_px: float,
    mm_per_px: float | None,
) -> tuple[NDArray[np.bool_], list[Region]]:
    """(mask (H, W), regions by falling score): what exceeds ``tau`` and holds a place above ``image_threshold``.

    ``full`` and ``grey`` are (H, W); a region's score is its peak. 8-connected. The region of the map's peak is always
    kept, so a defect never comes without a region.
    """
    labels, kept, stats = _components(full, tau, image_threshold, patch_area_px)
    regions = []
    for index, label in enumerate(kept):
        x, y, width, height, area = (int(v) for v in stats[label])
        own = labels == label
        regions.append(
            Region(
                index=index,
                modality=modality,
                xyxy_px=(x, y, x + width, y + height),
                area_px=area,
                score=float(full[own].max()),
                facts=facts_of(own, grey, mm_per_px),
            )
        )
    return np.isin(labels, kept), regions


def _components(
    full: Map, tau: float, image_threshold: float, patch_area_px: float
) -> tuple[NDArray[np.int32], Sequence[int], NDArray[np.int32]]:
    peak = np.unravel_index(int(full.argmax()), full.shape)
    over = full >= min(tau, float(full[peak]))
    _, raw_labels, stats, _ = cv2.connectedComponentsWithStats(over.astype(np.uint8), connectivity=8)
    labels = np.asarray(raw_labels, np.int32)
    peaks = np.zeros(len(stats), np.float32)
    np.maximum.at(peaks, labels[over].astype(np.intp), full[over])
    main = int(labels[peak])
    least = _MIN_AREA_SHARE_OF_PATCH * patch_area_px
    kept = [
        label
        for label in range(1, len(stats))
        if label == main or (peaks[label] > image_threshold and stats[label, cv2.CC_STAT_AREA] >= least)
    ]
    kept.sort(key=lambda label: -float(peaks[label]))
    return labels, kept[:MAX_REGIONS], np.asarray(stats, np.int32)
