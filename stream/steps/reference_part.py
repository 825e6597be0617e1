"""A part as it was inspected, from its result and its stored payloads: what a line's memory is built from."""

from collections.abc import Callable

from stream.steps.decode import decode_content
from wire.errors import DecodeError
from wire.finding import ModalityState
from wire.frame import DEPTH, FrameKind
from wire.inspection import Evidence, EvidenceKind, Inspection
from wire.line_state import LineSpec
from wire.part import Part


def reference_part(inspection: Inspection, read: Callable[[str], bytes], spec: LineSpec) -> Part:
    """Decode the payloads of a result's evidence; ``read`` returns the bytes of a key.

    DecodeError('no_evidence') if none was kept, or what decoding raises.
    """
    payloads = [e for e in inspection.evidence if e.kind is EvidenceKind.IMAGE]
    if not payloads:
        raise DecodeError("no_evidence", f"no payload of part {inspection.part_id} was kept")
    contents = {
        e.modality: decode_content(
            _kind(e), e.modality, read(e.ref), content_type=e.content_type, attributes=e.attributes
        )
        for e in payloads
    }
    depth = contents.pop(DEPTH, None)
    there = {verdict.modality for verdict in inspection.modalities if verdict.state is ModalityState.USED}
    return Part(
        inspection_id=inspection.inspection_id,
        line=inspection.line,
        part_id=inspection.part_id,
        product=inspection.product,
        images={name: content.image for name, content in contents.items() if content.image is not None},
        depth_mm=None if depth is None else depth.depth_mm,
        clouds={name: content.cloud for name, content in contents.items() if content.cloud is not None},
        sensor=next((content.sensor for content in contents.values() if content.sensor is not None), None),
        missing=tuple(name for name in spec.expected_modalities if name not in there),
        mm_per_px=spec.mm_per_px,
    )


def _kind(evidence: Evidence) -> FrameKind:
    if evidence.content_type.startswith("image/"):
        return FrameKind.IMAGE
    return FrameKind.SENSOR if evidence.content_type.startswith("application/json") else FrameKind.POINTCLOUD
