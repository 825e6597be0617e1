"""Evidence of a part into the object store: payloads as they came, maps, masks, overlays (DESIGN §3, effect 4)."""

import numpy as np
from numpy.typing import NDArray

from models.evidence import encode_map, encode_mask, render_overlay
from stream.settings import EvidencePolicy
from stream.steps.arrival import Arrival
from stream.steps.content import Content
from stream.steps.open_part import DuePart
from wire.finding import Finding, Picture, Verdict
from wire.image_codec import encode_jpeg, to_u8
from wire.inspection import Evidence, EvidenceKind
from wire.payload_files import usual_ending
from wire.payload_store import PayloadStore, content_key

_PREFIX = "evidence"
_PNG = "image/png"


class EvidenceWriter:
    """Encodes and puts. Blocking: call it in a thread. Thread-safe.

    ObjectStoreUnavailable goes up; repeating a write is harmless.
    """

    def __init__(self, payloads: PayloadStore, policy: EvidencePolicy) -> None:
        self._payloads = payloads
        self._policy = policy

    def write(self, due: DuePart, finding: Finding | None, *, learning: bool) -> tuple[Evidence, ...]:
        """Store what the policy wants; when this returns, all of it is durable.

        ``learning``: the line has no state yet, so that the part's payloads may become references.
        """
        flagged = finding is not None and finding.verdict is Verdict.DEFECT
        wanted = flagged or self._policy is EvidencePolicy.ALL
        evidence = [self._payload(event) for event in due.frames] if wanted or learning else []
        if finding is None or not wanted:
            return tuple(evidence)
        for modality, picture in sorted(finding.pictures.items()):
            evidence.append(self._map(modality, picture))
            if not flagged:
                continue
            evidence.append(self._put(EvidenceKind.MASK, modality, encode_mask(picture.mask)))
            if picture.coarse_mask is not None:
                evidence.append(self._put(EvidenceKind.MASK, modality, encode_mask(picture.coarse_mask), coarse=True))
            shown = next((e.content for e in due.frames if e.modality == modality and e.content), None)
            image = view_u8(shown) if shown else None
            if image is not None:
                regions = [region for region in finding.regions if region.modality == modality]
                overlay = encode_jpeg(render_overlay(image, picture, regions))
                evidence.append(self._put(EvidenceKind.OVERLAY, modality, overlay, "image/jpeg"))
        return tuple(evidence)

    def _payload(self, event: Arrival) -> Evidence:
        """The payload itself; one that lies in the object store already is named, not copied."""
        modality = event.modality or ""
        if event.claim is not None:
            claim = event.claim
            return Evidence(
                kind=EvidenceKind.IMAGE,
                modality=modality,
                ref=claim.ref,
                content_type=event.content_type,
                sha256=claim.sha256,
                size=claim.size,
                attributes=dict(event.attributes),
            )
        return self._put(
            EvidenceKind.IMAGE, modality, event.payload or b"", event.content_type, attributes=dict(event.attributes)
        )

    def _map(self, modality: str, picture: Picture) -> Evidence:
        data, scale = encode_map(picture.map)
        return self._put(EvidenceKind.MAP, modality, data, scale=scale, threshold=picture.map_threshold)

    def _put(
        self,
        kind: EvidenceKind,
        modality: str,
        data: bytes,
        content_type: str = _PNG,
        *,
        scale: float | None = None,
        threshold: float | None = None,
        coarse: bool = False,
        attributes: dict[str, str] | None = None,
    ) -> Evidence:
        key, sha256 = content_key(_PREFIX, data, usual_ending(content_type))
        self._payloads.put(key, data)
        return Evidence(
            kind=kind,
            modality=modality,
            ref=key,
            content_type=content_type,
            sha256=sha256,
            size=len(data),
            scale=scale,
            threshold=threshold,
            coarse=coarse,
            attributes=attributes or {},
        )


def view_u8(content: Content) -> NDArray[np.uint8] | None:
    """What people look at, (H, W, 3) uint8: the image, or depth as grey between its 2nd and 98th percentile."""
    if content.image is not None:
        return to_u8(content.image)
    if content.depth_mm is None:
        return None
    depth = content.depth_mm
    known = np.isfinite(depth)
    if not known.any():
        return np.zeros((*depth.shape, 3), np.uint8)
    low, high = np.percentile(depth[known], (2, 98))
    grey = np.clip((depth - low) / max(float(high - low), 1e-6), 0, 1) * 255
    return np.repeat(np.where(known, grey, 0).astype(np.uint8)[:, :, None], 3, axis=2)
