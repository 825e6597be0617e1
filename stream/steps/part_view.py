"""A due part as the detector sees it."""

import numpy as np
from numpy.typing import NDArray

from stream.steps.open_part import DuePart
from wire.frame import DEPTH
from wire.part import Part, PointCloud
from wire.sensor_window import SensorWindow


def to_part(due: DuePart, learned_words: bytes = b"") -> Part | None:
    """The decoded frames of a part, one per modality; None if nothing of it can be judged.

    ``learned_words``: the file that its line's specification names.
    """
    images: dict[str, NDArray[np.uint8] | NDArray[np.uint16]] = {}
    clouds: dict[str, PointCloud] = {}
    depth_mm: NDArray[np.float32] | None = None
    sensor: SensorWindow | None = None
    there = set()
    for event in due.frames:
        content, modality = event.content, event.modality
        if content is None or modality is None:
            continue
        there.add(DEPTH if content.depth_mm is not None else modality)
        if content.image is not None:
            images[modality] = content.image
        elif content.depth_mm is not None:
            depth_mm = content.depth_mm
        elif content.cloud is not None:
            clouds[modality] = content.cloud
        else:
            sensor = content.sensor
    if not there:
        return None
    reference = due.reference()
    return Part(
        inspection_id=due.inspection_id(),
        line=due.line,
        part_id=reference.part_id or "",
        product=reference.product or "",
        images=images,
        depth_mm=depth_mm,
        clouds=clouds,
        sensor=sensor,
        missing=tuple(name for name in due.spec.expected_modalities if name not in there),
        mm_per_px=due.spec.mm_per_px,
        spec=due.spec,
        learned_words=learned_words,
    )
