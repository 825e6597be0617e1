"""Evidence over REST: bytes, caching, pictures that browsers show."""

import re

import cv2
import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from dashboard.cloud_picture import cloud_picture
from dashboard.pages.part_cards import provenance_card, scores_card
from dashboard.pages.part_views import views_of
from storage.database import Database
from tests.unit.dashboard.conftest import store
from tests.unit.dashboard.made_parts import (
    HEIGHT,
    SCRATCH_XYXY,
    WIDTH,
    anomaly_counts,
    cloud_heights,
    made_part,
    put,
    surface,
)
from wire.description import PromptLevel
from wire.finding import Reading, Verdict
from wire.image_codec import decode_image, encode_png
from wire.inspection import EvidenceKind, Inspection
from wire.payload_store import PayloadStore


def address(part: Inspection, modality: str, kind: str) -> str:
    return f"/api/v1/inspections/{part.inspection_id}/evidence/{modality}/{kind}"


def pixels(answer: httpx.Response) -> NDArray[np.generic]:
    assert answer.status_code == 200, answer.text
    return cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_UNCHANGED)


async def test_an_image_comes_back_byte_for_byte(
    client: httpx.AsyncClient, parts: list[Inspection], payloads: PayloadStore
) -> None:
    answer = await client.get(address(parts[4], "rgb", "image"))
    assert answer.content == payloads.get(parts[4].evidence[0].ref)
    assert answer.headers["content-type"] == "image/png"
    assert np.array_equal(decode_image(answer.content), surface(4, scratched=True))


async def test_an_address_with_the_hash_may_be_kept_for_ever(
    client: httpx.AsyncClient, parts: list[Inspection]
) -> None:
    document = (await client.get(f"/api/v1/inspections/{parts[4].inspection_id}")).json()
    answer = await client.get(document["evidence"][0]["href"])
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"


async def test_an_address_without_the_hash_is_asked_again(client: httpx.AsyncClient, parts: list[Inspection]) -> None:
    answer = await client.get(address(parts[4], "rgb", "image"))
    assert answer.headers["cache-control"] == "private, no-cache"
    again = await client.get(address(parts[4], "rgb", "image"), headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_camera_bytes_are_never_run_as_a_page(client: httpx.AsyncClient, parts: list[Inspection]) -> None:
    answer = await client.get(address(parts[4], "rgb", "image"))
    assert answer.headers["content-security-policy"] == "sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_map_keeps_its_16_bit_counts(client: httpx.AsyncClient, parts: list[Inspection]) -> None:
    assert np.array_equal(pixels(await client.get(address(parts[4], "rgb", "map"))), anomaly_counts(defect=True))


async def test_the_map_is_shown_on_a_scale_with_the_threshold_in_its_middle(
    client: httpx.AsyncClient, parts: list[Inspection]
) -> None:
    shown = pixels(await client.get(address(parts[4], "rgb", "map"), params={"as": "display"}))
    x0, y0 = SCRATCH_XYXY[0] // 4 + 2, SCRATCH_XYXY[1] // 4 + 2
    # value / (2 x threshold 2.5) of 255: scratch 4.31 -> 219, normal 1.0 -> 51
    assert (shown[y0, x0, 3], shown[0, 0, 3]) == (219, 51)


async def test_a_map_that_names_its_threshold_is_shown_on_that_scale(
    client: httpx.AsyncClient, database: Database, payloads: PayloadStore
) -> None:
    part = made_part(payloads, 52, verdict=Verdict.DEFECT)
    named = [it.model_copy(update={"threshold": 10.0}) if it.kind == "map" else it for it in part.evidence]
    store(database, [part.model_copy(update={"evidence": tuple(named)})])
    shown = pixels(await client.get(address(part, "rgb", "map"), params={"as": "display"}))
    x0, y0 = SCRATCH_XYXY[0] // 4 + 2, SCRATCH_XYXY[1] // 4 + 2
    # value / (2 x threshold 10) of 255: scratch 4.31 -> 54, normal 1.0 -> 12
    assert (shown[y0, x0, 3], shown[0, 0, 3]) == (54, 12)


async def test_a_good_part_has_no_hot_spot(client: httpx.AsyncClient, parts: list[Inspection]) -> None:
    shown = pixels(await client.get(address(parts[1], "rgb", "map"), params={"as": "display"}))
    assert shown[:, :, 3].max() == 51


async def test_the_mask_is_a_transparent_layer(client: httpx.AsyncClient, parts: list[Inspection]) -> None:
    shown = pixels(await client.get(address(parts[4], "rgb", "mask"), params={"as": "display"}))
    original = pixels(await client.get(address(parts[4], "rgb", "mask")))
    assert shown.shape == (HEIGHT, WIDTH, 4)
    assert np.array_equal(shown[:, :, 3], original)
    assert tuple(shown[original > 0][0]) == (92, 92, 255, 255)


async def test_depth_is_stretched_and_missing_returns_stay_black(
    client: httpx.AsyncClient, parts: list[Inspection]
) -> None:
    shown = pixels(await client.get(address(parts[4], "depth", "image"), params={"as": "display"}))
    assert shown.dtype == np.uint8
    assert shown[:, :6].max() == 0
    assert shown[:, 20].mean() < 40
    assert shown[:, -20].mean() > 215


async def test_a_thumbnail_fits_320_px(client: httpx.AsyncClient, parts: list[Inspection]) -> None:
    answer = await client.get(address(parts[4], "rgb", "overlay"), params={"as": "thumbnail"})
    assert answer.headers["content-type"] == "image/jpeg"
    assert pixels(answer).shape == (HEIGHT, WIDTH, 3)
    assert HEIGHT <= WIDTH <= 320


async def test_a_point_cloud_is_coloured_by_height_on_the_detectors_grid(
    client: httpx.AsyncClient, database: Database, payloads: PayloadStore
) -> None:
    part = made_part(payloads, 50, cloud=True)
    store(database, [part])
    shown = pixels(await client.get(address(part, "pointcloud", "image"), params={"as": "display"}))
    assert shown.shape == (*cloud_heights().shape, 3)
    assert shown[:, :2].max() == 0  # no returns
    # Viridis runs from dark violet (far) to yellow (near); cv2's order is blue, green, red.
    assert shown[5, 63].tolist() == [84, 1, 68]
    assert shown[30, 33].tolist() == [37, 231, 253]


async def test_a_flat_point_cloud_is_one_colour() -> None:
    grid = {"gridwidth": "2", "gridheight": "1"}
    flat = cloud_picture(np.array([0, 0, 5, 1, 0, 5], "<f4").tobytes(), "application/octet-stream", grid)
    assert flat.tolist() == [[[84, 1, 68], [84, 1, 68]]]


async def test_a_point_cloud_without_points_is_black() -> None:
    grid = {"gridwidth": "2", "gridheight": "1"}
    empty = cloud_picture(np.full(6, np.nan, "<f4").tobytes(), "application/octet-stream", grid)
    assert empty.tolist() == [[[0, 0, 0], [0, 0, 0]]]


async def test_bytes_that_are_no_cloud_are_a_problem(
    client: httpx.AsyncClient, database: Database, payloads: PayloadStore
) -> None:
    part = made_part(payloads, 51, cloud=True)
    cut = next(piece for piece in part.evidence if piece.modality == "pointcloud")
    payloads.put(cut.ref, payloads.get(cut.ref)[:-1])
    store(database, [part])
    answer = await client.get(address(part, "pointcloud", "image"), params={"as": "display"})
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:lineside:problem:evidence-gone")
    assert answer.json()["detail"] == "pointcloud: 36863 bytes are no multiple of 12 (3 float32)"


async def test_a_sensor_window_is_no_picture(client: httpx.AsyncClient, parts: list[Inspection]) -> None:
    answer = await client.get(address(parts[4], "sensor", "image"), params={"as": "display"})
    assert answer.status_code == 406
    assert answer.json()["detail"] == "sensor evidence is application/json"


@pytest.mark.parametrize(("modality", "kind"), [("rgb", "mask"), ("infrared", "image")])
async def test_evidence_that_was_not_kept_is_not_found(
    client: httpx.AsyncClient, parts: list[Inspection], modality: str, kind: str
) -> None:
    answer = await client.get(address(parts[1], modality, kind))
    assert answer.status_code == 404
    assert answer.json()["detail"] == f"no {kind} of modality '{modality}' was kept"


async def test_an_unknown_kind_is_named(client: httpx.AsyncClient, parts: list[Inspection]) -> None:
    answer = await client.get(address(parts[1], "rgb", "heat"))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "kind")


async def test_an_object_that_retention_removed_is_a_problem(
    client: httpx.AsyncClient, parts: list[Inspection], payloads: PayloadStore
) -> None:
    payloads.delete(parts[1].evidence[0].ref)
    answer = await client.get(address(parts[1], "rgb", "image"))
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:lineside:problem:evidence-gone")


async def test_a_mask_and_the_one_that_it_was_refined_from_are_two_layers(
    client: httpx.AsyncClient, database: Database, payloads: PayloadStore
) -> None:
    part = made_part(payloads, 77, verdict=Verdict.DEFECT)
    rough = np.zeros((HEIGHT, WIDTH), np.uint8)
    rough[60:110, 110:220] = 255
    coarse = put(payloads, EvidenceKind.MASK, "rgb", encode_png(rough), "png", "image/png")
    rgb = part.modalities[0].model_copy(update={"mask_confidence": 0.872})
    more = {
        "evidence": (*part.evidence, coarse.model_copy(update={"coarse": True})),
        "modalities": (rgb, *part.modalities[1:]),
    }
    part = part.model_copy(update=more)
    store(database, [part])
    (view,) = views_of(part)
    assert view["confidence"] == "87 %"
    fine, shown = pixels(await client.get(view["mask"])), pixels(await client.get(view["coarse"]))
    np.testing.assert_array_equal(shown[:, :, 3] > 0, rough > 0)
    assert (fine[:, :, 3] > 0).sum() < (rough > 0).sum()
    assert shown[80, 150].tolist() != fine[fine[:, :, 3] > 0][0].tolist()  # another colour
    document = (await client.get(f"/api/v1/inspections/{part.inspection_id}")).json()
    assert [it["coarse"] for it in document["evidence"] if it["kind"] == "mask"] == [False, True]
    (usual,) = views_of(made_part(payloads, 78, verdict=Verdict.DEFECT))
    assert (usual["coarse"], usual["confidence"]) == (None, None)


async def test_the_part_that_a_result_resembles_most_is_shown_small_on_its_page(
    client: httpx.AsyncClient, parts: list[Inspection]
) -> None:
    image = next(it for it in parts[4].modalities if it.modality == "rgb")
    alike = image.model_copy(update={"closest_reference": parts[0].inspection_id})
    card = provenance_card(parts[4].model_copy(update={"modalities": (alike,)}))
    source = re.search(r'<a href="/part/([^"]+)"[^>]*><img [^>]*src="([^"]+)">', str(card))
    assert source is not None
    assert source[1] == str(parts[0].inspection_id)
    shown = pixels(await client.get(source[2]))
    assert shown.shape == (240, 320, 3)


def test_a_part_says_how_its_picture_was_seen_and_how_much_was_read_of_its_defects(parts: list[Inspection]) -> None:
    rgb = next(it for it in parts[4].modalities if it.modality == "rgb")

    def card(*readings: Reading) -> str:
        """One modality for each."""
        named = [rgb.model_copy(update={"modality": f"view{n}", "reading": each}) for n, each in enumerate(readings)]
        return str(provenance_card(parts[4].model_copy(update={"modalities": tuple(named)})))

    read = Reading(vv_mode="enhanced", level=PromptLevel.TEMPLATE, named_alone=("rust", "pit"))
    said = "<dt>Description level</dt><dd>attributes as a sentence; no text of it: rust, pit</dd>"
    assert "<dt>Value-value attention</dt><dd>enhanced</dd>" in card(read)
    assert card(read, read).count(said) == 1
    assert "<dt>Learned words</dt><dd>abababababab</dd>" in card(Reading(vv_mode="none", learned_words="ab" * 32))
    two = card(read, Reading(vv_mode="none"))
    assert "<dt>Value-value attention, view0</dt><dd>enhanced</dd>" in two
    assert "<dt>Value-value attention, view1</dt><dd>none</dd>" in two
    assert "Description level, view1" not in two
    assert "Value-value" not in str(provenance_card(parts[4]))


def test_a_score_says_that_its_threshold_lies_beyond_what_the_good_parts_showed(parts: list[Inspection]) -> None:
    inspection = parts[4]
    known = inspection.modalities[0]

    def card(*, extrapolated: bool) -> str:
        shown = known.model_copy(update={"threshold_extrapolated": extrapolated})
        return str(scores_card(inspection.model_copy(update={"modalities": (shown,)})))

    assert "(extrapolated)" in card(extrapolated=True)
    assert "(extrapolated)" not in card(extrapolated=False)
