"""A named region as a detector learns from it, from its stored result and evidence."""

from collections.abc import Callable

import numpy as np

from stream.steps.reference_part import reference_part
from wire.errors import DecodeError
from wire.image_codec import decode_image
from wire.inspection import EvidenceKind, Inspection
from wire.lesson import Lesson
from wire.line_state import LineSpec, TaughtExample


def read_lesson(
    name: str, inspection: Inspection, region_index: int, read: Callable[[str], bytes], spec: LineSpec
) -> Lesson:
    """Region ``region_index`` of ``inspection``; its pixels are those of its picture's mask within its box.

    LookupError without that region; DecodeError('no_evidence') if its payload or its mask was not kept.
    """
    region = next((each for each in inspection.regions if each.index == region_index), None)
    if region is None:
        raise LookupError(f"inspection {inspection.inspection_id} has no region {region_index}")
    masks = [
        each
        for each in inspection.evidence
        if each.kind is EvidenceKind.MASK and each.modality == region.modality and not each.coarse
    ]
    if not masks:
        raise DecodeError("no_evidence", f"no mask of {region.modality} of part {inspection.part_id} was kept")
    marked = decode_image(read(masks[0].ref)).max(axis=2) > 0
    x0, y0, x1, y1 = region.xyxy_px
    own = np.zeros_like(marked)
    own[y0:y1, x0:x1] = marked[y0:y1, x0:x1]
    return Lesson(
        example=TaughtExample(
            name=name,
            inspection_id=inspection.inspection_id,
            region_index=region_index,
            modality=region.modality,
        ),
        part=reference_part(inspection, read, spec),
        own=np.asarray(own, np.bool_),
        marked=np.asarray(marked, np.bool_),
    )
