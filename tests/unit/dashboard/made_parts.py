"""Inspections made by hand, with pictures as evidence: what storage is filled with before the dashboard is asked."""

from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.unit.wire.examples import FACTS, PROVENANCE, made_inspection
from wire.facts import PositionShare
from wire.finding import ModalityState, ModalityVerdict, Mode, Region, Verdict
from wire.frame import Origin
from wire.image_codec import encode_jpeg, encode_png
from wire.inspection import (
    Evidence,
    EvidenceKind,
    Inspection,
    Report,
    ReportedRegion,
    ResultState,
)
from wire.ledger import EventReference
from wire.payload_store import PayloadStore, content_key
from wire.sensor_window import SensorChannel, SensorWindow

LINE = "demo.hall1.line1"
OTHER_LINE = "demo.hall1.line2"
SESSION = "20260131T060000-a1b2"
HEIGHT, WIDTH = 240, 320
# Half-open box of the scratch that a defective part's image shows.
SCRATCH_XYXY = (120, 70, 211, 101)
THRESHOLD = 2.5
MAP_SCALE = 0.001


def surface(seed: int, *, scratched: bool) -> NDArray[np.uint8]:
    """(240, 320, 3) brushed metal, with one bright scratch inside SCRATCH_XYXY if asked."""
    rng = np.random.default_rng(seed)
    grain = cv2.GaussianBlur(rng.normal(0, 1, (HEIGHT, WIDTH)).astype(np.float32), (0, 0), sigmaX=9, sigmaY=0.6)
    light = np.linspace(-14, 14, WIDTH, dtype=np.float32)[None, :]
    grey = np.clip(128 + grain * 60 + light, 0, 255).astype(np.uint8)
    image = cv2.merge([grey, grey, np.clip(grey.astype(np.int16) + 6, 0, 255).astype(np.uint8)])[:, :, ::-1].copy()
    if scratched:
        x0, y0, x1, y1 = SCRATCH_XYXY
        cv2.line(image, (x0 + 2, y1 - 4), (x1 - 4, y0 + 3), (235, 235, 240), 2, cv2.LINE_AA)
    return image


def made_part(
    payloads: PayloadStore,
    number: int,
    *,
    line: str = LINE,
    verdict: Verdict = Verdict.OK,
    captured_at: datetime | None = None,
    product: str = "tile-a",
    defect_type: str = "scratch",
    state_version: int | None = 1,
    depth: bool = False,
    cloud: bool = False,
    sensor: bool = False,
    partial: bool = False,
) -> Inspection:
    """One part with its evidence put into ``payloads``."""
    at = captured_at or datetime.now(UTC) - timedelta(seconds=max(0, 500 - number))
    defect = verdict is Verdict.DEFECT
    part_id = f"P-{number:06d}"
    score = None if verdict is Verdict.UNKNOWN else (4.31 if defect else 0.9 + (number % 7) / 10)
    evidence, modalities = [], [_verdict("rgb", verdict, score)]
    if verdict is not Verdict.UNKNOWN:
        evidence += _rgb_evidence(payloads, number, defect=defect)
    if depth:
        evidence.append(_depth_evidence(payloads, number))
        modalities.append(_verdict("depth", Verdict.OK, 1.1))
    if cloud:
        evidence.append(_cloud_evidence(payloads, number))
        modalities.append(_verdict("pointcloud", Verdict.OK, 1.3))
    if partial:
        modalities.append(ModalityVerdict(modality="depth", state=ModalityState.MISSING, verdict=Verdict.UNKNOWN))
    if sensor:
        evidence.append(_sensor_evidence(payloads, at))
        modalities.append(_verdict("sensor", Verdict.OK, 0.7))
    event = Origin(line=line, source=f"{line}/camera1", session=SESSION, sequence=number)
    return made_inspection(
        line,
        part_id,
        at,
        session=SESSION,
        product=product,
        is_partial=partial,
        result_state=ResultState.FAILED if verdict is Verdict.UNKNOWN else ResultState.COMPLETED,
        verdict=verdict,
        score=score,
        threshold=THRESHOLD,
        mode=Mode.ZERO_SHOT if state_version is None else Mode.MEMORY,
        modalities=tuple(modalities),
        regions=(scratch(defect_type),) if defect else (),
        evidence=tuple(evidence),
        events=(EventReference.of(event, modality="rgb", captured_at=at),),
        provenance=PROVENANCE.model_copy(
            update={
                "state_version": state_version,
                "state_digest": None if state_version is None else "cd" * 32,
                "offset": number,
            }
        ),
    )


def made_report(inspection: Inspection) -> Report:
    """What a reporter says about a defective part."""
    return Report(
        inspection_id=inspection.inspection_id,
        line=inspection.line,
        part_id=inspection.part_id,
        captured_at=inspection.captured_at,
        created_at=inspection.created_at + timedelta(seconds=1),
        reporter="template",
        summary="One bright linear scratch of medium saliency near the center.",
        regions=(
            ReportedRegion(region_index=0, modality="rgb", sentence="A bright diagonal scratch lies in the center."),
        ),
    )


def scratch(defect_type: str = "scratch") -> Region:
    """The region of the scratch in ``surface``."""
    position = (PositionShare(cell="center", share=0.8), PositionShare(cell="top", share=0.2))
    seen = {"polarity": "bright", "saliency": "medium", "position": position, "direction": "diagonal"}
    measured = {"area_ratio": 0.0041, "contrast": 64.0, "area_mm2": 2.6, "length_mm": 9.4}
    return Region(
        index=0,
        modality="rgb",
        type=defect_type,
        type_probability=0.87,
        xyxy_px=SCRATCH_XYXY,
        area_px=315,
        score=4.31,
        facts=FACTS.model_copy(update=seen | measured),
    )


def anomaly_counts(*, defect: bool) -> NDArray[np.uint16]:
    """(60, 80) 16-bit map; count x MAP_SCALE is the value: 4.31 on the scratch, 1.0 elsewhere."""
    counts = np.full((60, 80), 1000, np.uint16)
    if defect:
        x0, y0, x1, y1 = (edge // 4 for edge in SCRATCH_XYXY)
        counts[y0:y1, x0:x1] = 4310
    return counts


def _verdict(modality: str, verdict: Verdict, score: float | None) -> ModalityVerdict:
    used = score is not None
    return ModalityVerdict(
        modality=modality,
        state=ModalityState.USED if used else ModalityState.QUARANTINED,
        verdict=verdict,
        score=score,
        threshold=THRESHOLD if used else None,
        mode=Mode.MEMORY if used else None,
        deviation=None if score is None else (score - 1.2) / 0.4,
    )


def _rgb_evidence(payloads: PayloadStore, number: int, *, defect: bool) -> list[Evidence]:
    image = surface(number, scratched=defect)
    pieces = [put(payloads, EvidenceKind.IMAGE, "rgb", encode_png(image), "png", "image/png")]
    pieces.append(
        put(
            payloads,
            EvidenceKind.MAP,
            "rgb",
            encode_png(anomaly_counts(defect=defect)),
            "png",
            "image/png",
            scale=MAP_SCALE,
        )
    )
    if defect:
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        x0, y0, x1, y1 = SCRATCH_XYXY
        cv2.line(mask, (x0 + 2, y1 - 4), (x1 - 4, y0 + 3), 255, 4)
        overlay = image.copy()
        overlay[mask > 0] = (255, 70, 70)
        cv2.rectangle(overlay, (x0, y0), (x1 - 1, y1 - 1), (255, 70, 70), 1)
        pieces.append(put(payloads, EvidenceKind.MASK, "rgb", encode_png(mask), "png", "image/png"))
        pieces.append(put(payloads, EvidenceKind.OVERLAY, "rgb", encode_jpeg(overlay), "jpg", "image/jpeg"))
    return pieces


def _depth_evidence(payloads: PayloadStore, number: int) -> Evidence:
    ramp = np.linspace(4000, 4400, WIDTH, dtype=np.float32)[None, :].repeat(HEIGHT, axis=0)
    ramp += np.random.default_rng(number).normal(0, 6, ramp.shape)
    ramp[:, :6] = 0  # no return at the edge
    return put(payloads, EvidenceKind.IMAGE, "depth", encode_png(ramp.astype(np.uint16)), "png", "image/png")


def cloud_heights() -> NDArray[np.float32]:
    """(48, 64) mm along z: a plate that tilts by 2 mm, a bump of 3 mm on it, no returns in the first two columns."""
    z = np.linspace(400, 402, 64, dtype=np.float32)[None, :].repeat(48, axis=0)
    rows, columns = np.mgrid[:48, :64]
    z[(rows - 30) ** 2 + (columns - 40) ** 2 < 64] -= 3
    z[:, :2] = np.nan
    return z


def _cloud_evidence(payloads: PayloadStore, number: int) -> Evidence:
    z = cloud_heights() + np.float32(number % 5) / 10
    rows, columns = np.mgrid[:48, :64].astype(np.float32)
    xyz = np.stack([columns * 0.5, rows * 0.5, z], axis=-1)
    data = np.where(np.isfinite(z)[:, :, None], xyz, np.nan).astype("<f4").tobytes()
    grid = {"pointfields": "x,y,z", "gridwidth": "64", "gridheight": "48"}
    piece = put(payloads, EvidenceKind.IMAGE, "pointcloud", data, "bin", "application/octet-stream")
    return piece.model_copy(update={"attributes": grid})


def _sensor_evidence(payloads: PayloadStore, triggered_at: datetime) -> Evidence:
    times_s = tuple(round(-1 + step * 0.05, 3) for step in range(60))
    channels = tuple(
        SensorChannel(
            name=name,
            unit=unit,
            times_s=times_s,
            values=tuple(base + span * float(np.sin(6 * time_s + base)) for time_s in times_s),
            statuses=tuple(0x80000000 if name == "Pressure" and 20 <= at < 24 else 0 for at in range(60)),
        )
        for name, unit, base, span in (
            ("Temperature", "°C", 61.0, 0.4),
            ("Vibration", "mm/s", 1.8, 0.9),
            ("Pressure", "bar", 5.2, 0.1),
            ("Speed", "m/min", 24.0, 0.2),
        )
    )
    window = SensorWindow(triggered_at=triggered_at, before_s=1.0, after_s=2.0, channels=channels)
    return put(payloads, EvidenceKind.IMAGE, "sensor", window.to_json(), "json", "application/json")


def put(
    payloads: PayloadStore,
    kind: EvidenceKind,
    modality: str,
    data: bytes,
    extension: str,
    content_type: str,
    *,
    scale: float | None = None,
) -> Evidence:
    """Store one piece of evidence by its content."""
    key, sha256 = content_key("evidence", data, extension)
    payloads.put(key, data)
    return Evidence(
        kind=kind, modality=modality, ref=key, content_type=content_type, sha256=sha256, size=len(data), scale=scale
    )
