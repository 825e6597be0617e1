"""The watched folder: order, bounded reading ahead, what is put aside, what is removed and when."""

import json
import os
from pathlib import Path

import pytest

from connectors.camera.settings import WatchedSource
from connectors.camera.sidecar import Sidecar
from connectors.camera.watched_folder import WatchedFolder
from connectors.captured import Captured
from connectors.errors import RejectedInput, SourceUnavailable
from connectors.metrics import ConnectorMetrics, new_registry
from connectors.source_ledger import SourceLedgers
from tests.unit.connectors.frames import CAMERA, LINE
from wire.frame import FrameKind, frame_from_event

COMPLETE = {"image": "a.png", "session": "s", "sequence": 0, "captured_at": "2026-03-04T05:06:07+01:00"}


class Folder:
    """A watched folder with files in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.registry = new_registry()
        self.ledgers = SourceLedgers()
        self.reopen()

    def reopen(self) -> None:
        """A new process looks at the same folder."""
        self.source = WatchedFolder(
            WatchedSource(source=CAMERA, watch=self.path),
            line=LINE,
            ledgers=self.ledgers,
            metrics=ConnectorMetrics(new_registry()),
        )

    def deliver(self, sequence: int, *, session: str = "s", mtime: int | None = None) -> None:
        name = f"{session}-{sequence}"
        (self.path / f"{name}.png").write_bytes(f"image {sequence}".encode())
        content = COMPLETE | {"image": f"{name}.png", "session": session, "sequence": sequence}
        (self.path / f"{name}.json").write_text(json.dumps(content))
        if mtime is not None:
            os.utime(self.path / f"{name}.json", (mtime, mtime))

    def take_all(self) -> list[Captured]:
        taken = []
        while (captured := self.source.next(0.1)) is not None:
            taken.append(captured)
        return taken

    def files(self) -> list[str]:
        return sorted(path.name for path in self.path.iterdir())


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_frames_come_in_order_of_session_and_sequence(folder: Folder) -> None:
    for sequence, session, mtime in (
        (1, "old", 100),
        (0, "old", 101),
        (2, "new", 103),
        (0, "new", 104),
        (1, "new", 102),
    ):
        folder.deliver(sequence, session=session, mtime=mtime)
    order = [(one.origin.session, one.origin.sequence) for one in folder.take_all()]
    assert order == [("old", 0), ("old", 1), ("new", 0), ("new", 1), ("new", 2)]


def test_thousands_of_waiting_files_come_in_order_of_delivery(folder: Folder) -> None:
    for sequence in range(1200):
        folder.deliver(sequence, mtime=1000 + sequence)
    first = folder.source.next(1.0)
    assert len(folder.source._ready) == 511  # read ahead, and no further
    assert [one.origin.sequence for one in (first, *folder.take_all())] == list(range(1200))


def test_nothing_is_removed_before_done_and_nothing_is_given_twice(folder: Folder) -> None:
    folder.deliver(0)
    (captured,) = folder.take_all()
    assert folder.take_all() == []
    assert folder.files() == ["s-0.json", "s-0.png"]
    captured.done()
    assert folder.files() == []


def test_what_was_not_done_comes_again_in_the_next_process_under_the_same_event_id(folder: Folder) -> None:
    folder.deliver(0)
    (before,) = folder.take_all()
    folder.reopen()
    (after,) = folder.take_all()
    assert after.event == before.event


def test_a_removal_that_was_cut_short_is_finished_and_not_taken_for_a_lone_image(folder: Folder) -> None:
    folder.deliver(0)
    (folder.path / "s-0.json").rename(folder.path / ".s-0.json.done~")  # then the process was killed
    folder.reopen()
    assert folder.take_all() == []
    assert folder.files() == []


def test_temporary_and_foreign_files_are_left_alone(folder: Folder) -> None:
    for name in (".a.png~", ".a.json", "notes.txt"):
        (folder.path / name).write_text("{}")
    assert folder.take_all() == []
    assert folder.files() == [".a.json", ".a.png~", "notes.txt"]


def test_what_a_pc_names_in_capitals_is_put_aside_as_well(folder: Folder) -> None:
    (folder.path / "S-0.PNG").write_bytes(b"image")
    (folder.path / "S-0.json").write_text("{}")
    (folder.path / "S-0.more.png").write_bytes(b"of another sidecar")
    assert folder.take_all() == []
    assert folder.files() == ["S-0.more.png", "rejected"]
    assert sorted(path.name for path in (folder.path / "rejected").iterdir()) == ["S-0.PNG", "S-0.json"]


def test_an_empty_image_passes_as_it_is(folder: Folder) -> None:
    folder.deliver(0)
    (folder.path / "s-0.png").write_bytes(b"")
    (captured,) = folder.take_all()
    assert captured.event.data == b""


def test_an_image_that_cannot_be_read_is_dropped_under_its_number(folder: Folder) -> None:
    folder.deliver(7)
    (folder.path / "s-7.png").unlink()
    (folder.path / "s-7.png").mkdir()  # a file that even root cannot read
    assert folder.take_all() == []
    (session,) = folder.ledgers.snapshot()
    assert {reason.value: str(numbers) for reason, numbers in session.ledger.dropped.items()} == {"unreadable": "7"}
    assert sorted(path.name for path in (folder.path / "rejected").iterdir()) == ["s-7.json", "s-7.png"]


def test_a_folder_that_is_not_there_is_a_source_that_is_away(folder: Folder) -> None:
    folder.path.rmdir()
    with pytest.raises(SourceUnavailable, match="cannot be read: No such file or directory"):
        folder.source.next(0.0)
    folder.path.mkdir()
    folder.deliver(0)
    assert len(folder.take_all()) == 1


def test_a_folder_that_does_not_let_files_be_put_aside_is_a_source_that_is_away(folder: Folder) -> None:
    (folder.path / "a.json").write_text("{")
    (folder.path / "rejected").write_text("in the way")
    with pytest.raises(SourceUnavailable, match="cannot put a aside: File exists"):
        folder.source.next(0.1)


def test_a_sidecar_gives_the_frame(folder: Folder) -> None:
    sidecar = Sidecar.read(
        json.dumps(
            COMPLETE
            | {"part_id": "P", "trigger_session": "t", "triggered_at": "2026-03-04T04:06:06Z", "clock": "ptp"}
            | {"attributes": {"bitdepth": "12"}, "exposure": "unknown keys are ignored"}
        ).encode()
    )
    told = {"gain": "2", "bitdepth": "8"}
    frame = sidecar.frame(sidecar.origin(LINE, CAMERA), b"x", modality="infrared", attributes=told)
    assert (frame.modality, frame.content_type, frame.clock.value) == ("infrared", "image/png", "ptp")
    assert frame.captured_at.isoformat() == "2026-03-04T05:06:07+01:00"
    assert (frame.part.part_id, frame.part.trigger_session) == ("P", "t")
    assert frame.attributes == {"gain": "2", "bitdepth": "12"}  # what the sidecar says wins


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("a.ply", "application/x-ply"),
        ("a.PCD", "application/x-pcd"),
        ("a.las", "application/vnd.las"),
        ("a.laz", "application/vnd.laszip"),
        ("a.xyz", "text/x-xyz"),
    ],
)
def test_a_sidecar_of_a_point_cloud_gives_one(name: str, content_type: str) -> None:
    content = {key: value for key, value in COMPLETE.items() if key != "image"} | {"cloud": name}
    sidecar = Sidecar.read(json.dumps(content).encode())
    frame = sidecar.frame(sidecar.origin(LINE, CAMERA), b"x", modality=None, attributes={"pointscale": "1000"})
    assert (frame.kind, frame.modality, frame.content_type) == (FrameKind.POINTCLOUD, "pointcloud", content_type)
    assert frame.attributes == {"pointscale": "1000"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": "../a.png"}, "image: .*plain file name"),
        ({"image": "a.gif"}, "image: .*ends in one of"),
        ({"sequence": -1}, "sequence: .*greater than or equal to 0"),
        ({"sequence": None}, "sequence: .*valid integer"),
        ({"captured_at": "2026-03-04T05:06:07"}, "captured_at: .*timezone"),
        ({"session": ""}, "session: .*at least 1 character"),
        ({"part_id": "P" * 1001}, "part_id: .*at most 1000 characters"),
        ({"attributes": {"Bit-Depth": "1"}}, "attributes: .*'Bit-Depth': lower-case letters and digits"),
        ({"attributes": {"sequence": "1"}}, "attributes: .*'sequence': .*no name of a frame's own"),
        ({"attributes": {"type": "1"}}, "attributes: .*'type'"),
    ],
)
def test_a_wrong_sidecar_is_rejected_with_what_is_wrong(change: dict, message: str) -> None:
    with pytest.raises(RejectedInput, match=message) as raised:
        Sidecar.read(json.dumps(COMPLETE | change).encode())
    assert raised.value.reason == "sidecar"


def test_all_mistakes_of_a_sidecar_are_named_at_once() -> None:
    with pytest.raises(RejectedInput, match=r"image: .*; captured_at: "):
        Sidecar.read(json.dumps(COMPLETE | {"image": 1, "captured_at": "x"}).encode())


def test_a_frame_of_a_folder_reads_back_from_its_event(folder: Folder) -> None:
    folder.deliver(3)
    (captured,) = folder.take_all()
    assert frame_from_event(captured.event).payload == b"image 3"
