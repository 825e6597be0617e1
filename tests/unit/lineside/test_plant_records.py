import json
from datetime import UTC, datetime
from pathlib import Path

from lineside.plant.camera import Camera, Trigger
from lineside.plant.produced_part import Shot
from lineside.plant.truth_ledger import TrueFrame, TruePart, TruthLedger, read_truth

AT = datetime(2026, 5, 1, 12, 0, 0, 250_000, tzinfo=UTC)
TRIGGER = Trigger(part_id="line1-000001", trigger_session="s1", triggered_at=AT)


def truth_of(counter: int) -> TruePart:
    return TruePart(
        line="demo.hall1.line1", part_id=f"line1-{counter:06d}", trigger_session="s1", counter=counter, triggered_at=AT,
        product="A", defect=True, defect_type="dent", defect_modalities=("depth",), commissioning=False,
        faults=("camera_drops",),
        frames=(TrueFrame(source="demo.hall1.line1/camera1", session="c1", sequence=counter - 1, modality="rgb",
                          file_sha256="ab", fault="dropped"),),
    )  # fmt: skip


def test_a_camera_numbers_frames_from_zero_and_writes_image_and_sidecar(tmp_path: Path) -> None:
    camera = Camera(source="demo.hall1.line1/camera1", modality="rgb", folder=tmp_path)
    shot = Shot(modality="rgb", data=b"picture", extension=".jpg", attributes={"bitdepth": "12"})

    (first, delivery), (second, _) = (camera.shoot(shot, TRIGGER, captured_at=AT) for _ in range(2))
    delivery.write(tmp_path)

    assert (first, second) == (0, 1)
    name = f"camera1-{camera.session}-00000000"
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{name}.jpg", f"{name}.json"]
    assert (tmp_path / f"{name}.jpg").read_bytes() == b"picture"
    assert json.loads((tmp_path / f"{name}.json").read_text()) == {
        "image": f"{name}.jpg", "session": camera.session, "sequence": 0, "captured_at": "2026-05-01T12:00:00.250000Z",
        "clock": "camera", "modality": "rgb", "part_id": "line1-000001", "trigger_session": "s1",
        "triggered_at": "2026-05-01T12:00:00.250000Z", "simulated": True, "attributes": {"bitdepth": "12"},
    }  # fmt: skip


def test_a_frame_delivered_again_has_its_own_file_and_the_same_number(tmp_path: Path) -> None:
    camera = Camera(source="demo.hall1.line1/camera1", modality="rgb", folder=tmp_path)
    _, delivery = camera.shoot(Shot(modality="rgb", data=b"x", extension=".png"), TRIGGER, captured_at=AT)

    delivery.write(tmp_path)
    delivery.write(tmp_path, suffix="-again")

    sidecars = [json.loads(path.read_text()) for path in sorted(tmp_path.glob("*.json"))]
    assert {sidecar["sequence"] for sidecar in sidecars} == {0}
    assert len({sidecar["image"] for sidecar in sidecars}) == 2
    assert all((tmp_path / sidecar["image"]).read_bytes() == b"x" for sidecar in sidecars)


def test_truth_survives_a_line_that_a_kill_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "plant" / "truth.jsonl"
    ledger = TruthLedger(path)
    ledger.append(truth_of(1))
    ledger.close()
    with path.open("ab") as file:
        file.write(b'{"line": "demo.ha')

    again = TruthLedger(path)
    again.append(truth_of(2))
    again.close()

    parts = list(read_truth(path))
    assert [part["counter"] for part in parts] == [1, 2]
    assert parts[0]["frames"][0]["fault"] == "dropped"
    assert parts[0]["triggered_at"] == "2026-05-01T12:00:00.250000Z"
