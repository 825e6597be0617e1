"""What the part viewer shows: layers per modality, regions with their facts."""

from typing import Any

from dashboard.evidence_links import evidence_url, find_evidence
from wire.facts import Facts
from wire.finding import Region
from wire.frame import SENSOR
from wire.inspection import EvidenceKind, Inspection, Report

_LAYERS = (EvidenceKind.IMAGE, EvidenceKind.MAP, EvidenceKind.MASK)


def views_of(inspection: Inspection) -> list[dict[str, Any]]:
    """One view per modality of which a picture was kept, in the order of the verdicts."""
    views = []
    names = [*(it.modality for it in inspection.modalities), *(it.modality for it in inspection.evidence)]
    for modality in dict.fromkeys(names):
        layers = {kind.value: _layer(inspection, modality, kind) for kind in _LAYERS}
        original = find_evidence(inspection, modality, EvidenceKind.IMAGE)
        if any(layers.values()):
            href = evidence_url(inspection, original) if original else None
            coarse = find_evidence(inspection, modality, EvidenceKind.MASK, coarse=True)
            views.append({
                "modality": modality,
                **layers,
                "coarse": None if coarse is None else evidence_url(inspection, coarse, "display"),
                "confidence": _confidence(inspection, modality),
                "original": href,
            })  # fmt: skip
    return views


def _layer(inspection: Inspection, modality: str, kind: EvidenceKind) -> str | None:
    piece = find_evidence(inspection, modality, kind)
    if piece is None or modality == SENSOR:
        return None
    return evidence_url(inspection, piece, "display")


def _confidence(inspection: Inspection, modality: str) -> str | None:
    """How well the segmenter thinks that its mask fits."""
    found = next((it.mask_confidence for it in inspection.modalities if it.modality == modality), None)
    # It is a regression's: nothing keeps it within its range.
    return None if found is None else f"{100 * min(1.0, max(0.0, found)):.0f} %"


def regions_of(inspection: Inspection, report: Report | None) -> list[dict[str, Any]]:
    """Every region with its box, words and facts."""
    sentences = {(it.region_index, it.modality): it.sentence for it in report.regions} if report else {}
    return [
        {
            "index": region.index,
            "modality": region.modality,
            "title": _title(region),
            "extent": _extent(region),
            "box": list(region.xyxy_px),
            "score": f"{region.score:.3g}",
            "facts": facts_words(region.facts),
            "sentence": sentences.get((region.index, region.modality), ""),
        }
        for region in inspection.regions
    ]


def _title(region: Region) -> str:
    sure = f" {region.type_probability * 100:.0f} %" if region.type_probability is not None else ""
    return f"{'anomaly' if region.type == 'unknown' else region.type.replace('_', ' ')}{sure}"


def _extent(region: Region) -> str:
    x0, y0, x1, y1 = region.xyxy_px
    if region.facts.length_mm is not None:
        return f"{region.facts.length_mm:.1f} mm"
    return f"{x1 - x0} × {y1 - y0} px"


def facts_words(facts: Facts) -> list[tuple[str, str]]:
    """The nine facts, then the sizes that are known."""
    position = ", ".join(
        f"{share.cell} {share.share * 100:.0f} %" for share in sorted(facts.position, key=lambda it: -it.share)[:3]
    )
    words = [
        ("Scale", facts.scale),
        ("Polarity", facts.polarity),
        ("Saliency", facts.saliency),
        ("Number", facts.number),
        ("Position", position or "–"),
        ("Shape", facts.shape),
        ("Direction", facts.direction),
        ("Distribution", facts.distribution),
        ("Area", f"{facts.area_ratio * 100:.2g} % of the image"),
        ("Contrast", f"{facts.contrast:+.0f} grey levels"),
    ]
    if facts.area_mm2 is not None:
        words.append(("Area", f"{facts.area_mm2:.3g} mm²"))
    if facts.length_mm is not None:
        words.append(("Length", f"{facts.length_mm:.3g} mm"))
    return words
