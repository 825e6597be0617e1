"""Replay: which images, in which order, encoded how, numbered and paced."""

import time
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from connectors.captured import Captured
from connectors.errors import SourceUnavailable
from connectors.replay.frame_folder import list_frames
from connectors.replay.settings import FolderOrder, ReplayedSource
from connectors.replay.sources import ReplayCamera, open_replay
from tests.components.waiting import wait_until
from tests.unit.connectors.frames import LINE
from wire.frame import Frame, FrameKind, frame_from_event
from wire.image_codec import decode_image, encode_png

CAMERA = f"{LINE}/camera1"


def grey(value: int, *, deep: bool = False) -> np.ndarray:
    return np.full((8, 12), value, np.uint16 if deep else np.uint8)


def write(folder: Path, *names: str) -> None:
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), grey(number))


def camera(**keys: object) -> ReplayCamera:
    return open_replay(ReplayedSource.model_validate({"source": CAMERA, "rate_fps": 1000, **keys}), line=LINE)


def take(camera: ReplayCamera, count: int) -> list[Frame]:
    taken: list[Captured] = []

    def enough() -> bool:
        captured = camera.next(0.01)
        taken.extend([captured] if captured is not None else [])
        return len(taken) >= count

    wait_until(enough, 10, f"{count} frames", interval_s=0.001)
    return [frame_from_event(one.event) for one in taken]


def relative(folder: Path, order: FolderOrder) -> list[str]:
    return [str(path.relative_to(folder)) for path in list_frames(folder, order)]


def test_images_of_all_kinds_are_found_and_annotations_are_not(tmp_path: Path) -> None:
    write(tmp_path, "b/2.png", "b/10.png", "a.JPG", "c.bmp", "d.tiff", "masks/2.png", "b/Ground_Truth/x.png")
    write(tmp_path, "labels/y.png", ".hidden/z.png", ".z.png")
    (tmp_path / "readme.txt").write_text("no image")
    assert relative(tmp_path, FolderOrder.NAME) == ["a.JPG", "b/2.png", "b/10.png", "c.bmp", "d.tiff"]


def test_good_parts_come_first_when_asked_for_those_for_training_before_all(tmp_path: Path) -> None:
    write(tmp_path, "crack/1.png", "test/good/1.png", "train/good/2.png", "train/good/1.png", "Normal/1.png")
    assert relative(tmp_path, FolderOrder.NORMALS_FIRST) == [
        "train/good/1.png",
        "train/good/2.png",
        "Normal/1.png",
        "test/good/1.png",
        "crack/1.png",
    ]


def test_files_pass_as_they_are_corrupt_ones_too(tmp_path: Path) -> None:
    write(tmp_path, "1.png")
    (tmp_path / "2.jpg").write_bytes(b"no image at all")
    first, second = take(camera(folder=tmp_path), 2)
    assert first.payload == (tmp_path / "1.png").read_bytes()
    assert (first.content_type, first.attributes) == ("image/png", {"filename": "1.png"})
    assert (second.payload, second.content_type) == (b"no image at all", "image/jpeg")
    assert (first.origin.source, first.origin.sequence, second.origin.sequence) == (CAMERA, 0, 1)
    assert first.origin.session == second.origin.session


def test_point_clouds_of_a_folder_are_frames_too(tmp_path: Path) -> None:
    (tmp_path / "1.xyz").write_bytes(b"1 2 3\n")
    write(tmp_path, "2.png")
    cloud, image = take(camera(folder=tmp_path, encoding="jpeg", attributes={"pointscale": "1000"}), 2)
    assert (cloud.kind, cloud.modality, cloud.content_type) == (FrameKind.POINTCLOUD, "pointcloud", "text/x-xyz")
    assert cloud.payload == b"1 2 3\n"
    assert cloud.attributes == {"pointscale": "1000", "filename": "1.xyz"}
    assert (image.kind, image.modality, image.content_type) == (FrameKind.IMAGE, "rgb", "image/jpeg")


def test_each_start_is_a_session_of_its_own(tmp_path: Path) -> None:
    write(tmp_path, "1.png")
    sessions = {take(camera(folder=tmp_path), 1)[0].origin.session for _ in range(2)}
    assert len(sessions) == 2


@pytest.mark.parametrize(
    ("encoding", "deep", "expected"),
    [("jpeg", False, "image/jpeg"), ("jpeg", True, "image/png"), ("png", False, "image/png")],
)
def test_sixteen_bits_are_never_squeezed_into_jpeg(tmp_path: Path, encoding: str, deep: bool, expected: str) -> None:
    cv2.imwrite(str(tmp_path / "1.tif"), grey(40_000 if deep else 200, deep=deep))
    (frame,) = take(camera(folder=tmp_path, encoding=encoding), 1)
    assert frame.content_type == expected
    assert int(decode_image(frame.payload).max()) == (40_000 if deep else 200)


def test_a_file_that_cannot_be_decoded_passes_as_it_is_whatever_the_encoding(tmp_path: Path) -> None:
    (tmp_path / "1.tif").write_bytes(b"broken")
    (frame,) = take(camera(folder=tmp_path, encoding="jpeg"), 1)
    assert (frame.payload, frame.content_type) == (b"broken", "image/tiff")


def test_a_folder_ends_or_begins_again(tmp_path: Path) -> None:
    write(tmp_path, "1.png", "2.png")
    once = camera(folder=tmp_path)
    take(once, 2)
    assert once.next(0.01) is None
    names = [frame.attributes["filename"] for frame in take(camera(folder=tmp_path, loop=True), 5)]
    assert names == ["1.png", "2.png", "1.png", "2.png", "1.png"]


def test_a_folder_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    source = camera(folder=tmp_path / "later")
    with pytest.raises(SourceUnavailable, match="later cannot be read: No such file or directory"):
        source.next(0.01)
    write(tmp_path, "later/1.png")
    assert len(take(source, 1)) == 1


def test_a_folder_without_images_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="has no images"):
        camera(folder=tmp_path).next(0.01)


def test_frames_come_at_the_set_rate(tmp_path: Path) -> None:
    write(tmp_path, *[f"{number}.png" for number in range(5)])
    started_s = time.monotonic()
    take(camera(folder=tmp_path, rate_fps=20), 5)
    assert time.monotonic() - started_s >= 4 / 20


def video(path: Path, *, frames: int) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(frames):
            picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 40 * number, np.uint8), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def test_every_frame_of_a_video_is_streamed_in_order(tmp_path: Path) -> None:
    source = camera(video=video(tmp_path / "line.mp4", frames=5))
    frames = take(source, 5)
    means = [float(decode_image(frame.payload).mean()) for frame in frames]
    assert means == pytest.approx([0, 40, 80, 120, 160], abs=4)
    assert {frame.content_type for frame in frames} == {"image/jpeg"}
    assert decode_image(frames[0].payload).shape == (48, 64, 3)
    assert source.next(0.01) is None
    assert source.next(0.01) is None


def test_a_video_that_loops_begins_again(tmp_path: Path) -> None:
    frames = take(camera(video=video(tmp_path / "line.mp4", frames=2), loop=True, encoding="png"), 5)
    assert [round(float(decode_image(frame.payload).mean()), -1) for frame in frames] == [0, 40, 0, 40, 0]


def test_a_video_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_bytes(encode_png(grey(1))[:20])
    with pytest.raises(SourceUnavailable, match=r"x\.mp4"):
        camera(video=tmp_path / "x.mp4").next(0.01)
