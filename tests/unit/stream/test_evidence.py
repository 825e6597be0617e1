"""What evidence is kept of a part."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from storage.objects import open_payload_store
from stream.evidence_writer import EvidenceWriter, view_u8
from stream.settings import EvidencePolicy
from stream.steps.content import Content
from stream.steps.part_view import to_part
from tests.unit.stream.made_records import PNG, context_event, frame_event
from tests.unit.stream.sabotage import Sabotage
from tests.unit.stream.scripted_inspector import THRESHOLD, ScriptedInspector
from tests.unit.stream.test_result import due
from wire.finding import Finding
from wire.image_codec import decode_image, encode_png
from wire.inspection import Evidence, EvidenceKind
from wire.payload_store import PayloadStore

WHITE = encode_png(np.full((8, 8), 255, np.uint8))
ALL = [EvidenceKind.IMAGE, EvidenceKind.IMAGE, EvidenceKind.MAP]


@pytest.fixture
def payloads(tmp_path: Path) -> PayloadStore:
    return open_payload_store(f"file://{tmp_path}")


def write(
    payloads: PayloadStore, policy: EvidencePolicy, *, image: bytes, learning: bool = False
) -> list[EvidenceKind]:
    part = due(frame_event(3, payload=image), frame_event(3, "depth"), context_event(3))
    evidence = EvidenceWriter(payloads, policy).write(part, judge(image), learning=learning)
    assert all(payloads.exists(each.ref) for each in evidence)
    return [each.kind for each in evidence]


def judge(image: bytes) -> Finding:
    view = to_part(due(frame_event(3, payload=image), frame_event(3, "depth"), context_event(3)))
    assert view is not None
    return ScriptedInspector(Sabotage()).inspect([view], [None])[0]


def test_policy_all_keeps_payloads_and_maps_of_good_parts(payloads: PayloadStore) -> None:
    assert write(payloads, EvidencePolicy.ALL, image=PNG) == ALL


def test_flagged_part_gets_mask_and_overlay_too(payloads: PayloadStore) -> None:
    flagged = [*ALL, EvidenceKind.MASK, EvidenceKind.OVERLAY]
    assert write(payloads, EvidencePolicy.FLAGGED, image=WHITE) == flagged


def test_the_mask_that_was_refined_stands_behind_the_fine_one(payloads: PayloadStore) -> None:
    part = due(frame_event(3, payload=WHITE), frame_event(3, "depth"), context_event(3))
    finding = judge(WHITE)
    rough = np.zeros((8, 8), np.bool_)
    rough[1:4, 2:7] = True
    picture = replace(finding.pictures["rgb"], coarse_mask=rough)
    evidence = EvidenceWriter(payloads, EvidencePolicy.FLAGGED).write(
        part, replace(finding, pictures={"rgb": picture}), learning=False
    )
    fine, coarse = (each for each in evidence if each.kind is EvidenceKind.MASK)
    assert (fine.coarse, coarse.coarse) == (False, True)
    np.testing.assert_array_equal(decode_image(payloads.get(coarse.ref))[:, :, 0] > 0, rough)
    assert Evidence.from_json(coarse.to_json()) == coarse


def test_policy_flagged_keeps_nothing_of_good_parts_but_what_a_line_learns_from(payloads: PayloadStore) -> None:
    assert write(payloads, EvidencePolicy.FLAGGED, image=PNG) == []
    assert write(payloads, EvidencePolicy.FLAGGED, image=PNG, learning=True) == ALL[:2]


def test_payload_is_kept_byte_for_byte_with_what_its_reader_needs(payloads: PayloadStore) -> None:
    part = due(frame_event(3), frame_event(3, "depth"), context_event(3))
    evidence = EvidenceWriter(payloads, EvidencePolicy.ALL).write(part, None, learning=False)
    depth = next(each for each in evidence if each.modality == "depth")
    assert payloads.get(depth.ref) == PNG
    assert depth.attributes == {"depthscale": "0.1"}
    assert (depth.content_type, depth.size) == ("image/png", len(PNG))


def test_map_keeps_its_unit(payloads: PayloadStore) -> None:
    part = due(frame_event(3, payload=WHITE), frame_event(3, "depth"), context_event(3))
    evidence = EvidenceWriter(payloads, EvidencePolicy.ALL).write(part, judge(WHITE), learning=False)
    stored = next(each for each in evidence if each.kind is EvidenceKind.MAP)
    counts = cv2.imdecode(np.frombuffer(payloads.get(stored.ref), np.uint8), cv2.IMREAD_UNCHANGED)
    assert counts is not None
    assert stored.scale is not None
    assert counts.max() * stored.scale == pytest.approx(255.0)
    assert stored.threshold == THRESHOLD


def test_depth_is_shown_as_grey_and_holes_as_black() -> None:
    depth = np.linspace(10, 20, 100, dtype=np.float32).reshape(10, 10)
    depth[0, 5] = np.nan
    shown = view_u8(Content(depth_mm=depth))
    assert shown is not None
    assert shown.shape == (10, 10, 3)
    assert shown[0, 5].tolist() == [0, 0, 0]
    assert shown[0, 0, 0] == 0
    assert shown[9, 9, 0] == 255
    hole = view_u8(Content(depth_mm=np.full((2, 2), np.nan, np.float32)))
    assert hole is not None
    assert not hole.any()
