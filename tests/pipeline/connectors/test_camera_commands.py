"""Commands for people who set a camera up: found in the network, looked through."""

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from connectors.__main__ import app
from connectors.camera.settings import CameraSettings
from connectors.discovery.genicam_cameras import GenicamCameras
from connectors.discovery.usb_cameras import UsbCameras
from tests.components.genicam_camera import RealGenicamCamera
from tests.components.ports import free_port
from tests.components.requirement import require
from tests.pipeline.connectors.connector_process import LINE, CameraPc
from wire.image_codec import decode_image
from wire.settings_file import read_keys

pytestmark = [pytest.mark.slow]


def config(folder: Path, *sources: dict) -> Path:
    path = folder / "camera.yaml"
    shared = {"line": LINE, "broker": {"bootstrap": "127.0.0.1:9"}, "objects": f"file://{folder}/objects"}
    path.write_text(yaml.safe_dump({**shared, "spool": {"directory": f"{folder}/spool"}, "sources": [*sources]}))
    return path


def test_a_camera_that_answers_is_listed_under_the_id_that_opens_it() -> None:
    require("aravis")
    with RealGenicamCamera():
        (found,) = GenicamCameras().find().devices
    assert (found.kind, found.address, found.name) == ("gige", "127.0.0.1", "Aravis Fake")
    assert found.settings == {"camera": "Aravis-Fake-FAKE1"}


def test_preview_saves_a_picture_of_each_camera_and_removes_nothing(tmp_path: Path) -> None:
    require("aravis")
    camera_pc = CameraPc(tmp_path / "delivered")
    camera_pc.deliver(0, b"as delivered", attributes={"depthscale": "0.1"})
    region = {"width": 128, "height": 64}
    path = config(
        tmp_path,
        {"source": f"{LINE}/camera1", "camera": "127.0.0.1", "region": region, "pixel_format": "RGB8"},
        {"source": f"{LINE}/depth1", "watch": str(camera_pc.folder)},
    )
    with RealGenicamCamera():
        result = CliRunner().invoke(
            app, ["camera", "preview", "--config", str(path), "--output", str(tmp_path / "out")]
        )
    assert result.exit_code == 0, result.output
    assert decode_image((tmp_path / "out" / "camera1.jpg").read_bytes()).shape == (64, 128, 3)
    assert (tmp_path / "out" / "depth1.png").read_bytes() == b"as delivered"
    assert f"{LINE}/depth1: image/png, 12 bytes, time by camera, depthscale 0.1" in result.output
    assert len(camera_pc.waiting()) == 2
    assert CameraSettings.model_validate(read_keys(path)).sources[0].source == f"{LINE}/camera1"


def test_preview_says_why_there_is_no_picture(tmp_path: Path) -> None:
    path = config(tmp_path, {"source": f"{LINE}/camera1", "watch": str(tmp_path / "nowhere")})
    arguments = ["camera", "preview", "--config", str(path), "--output", str(tmp_path), "--timeout", "0.3"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert "nowhere cannot be read: No such file or directory" in result.output
    result = CliRunner().invoke(app, [*arguments, "--source", f"{LINE}/camera9"])
    assert result.exit_code == 2
    assert f"has no {LINE}/camera9; it has {LINE}/camera1" in result.output


def test_preview_of_a_network_camera_says_why_it_is_away_and_never_its_password(tmp_path: Path) -> None:
    port = free_port()
    path = config(tmp_path, {"source": f"{LINE}/camera1", "rtsp": f"rtsp://viewer:s3cret@127.0.0.1:{port}/live"})
    arguments = ["camera", "preview", "--config", str(path), "--output", str(tmp_path / "out"), "--timeout", "2"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert "Connection refused" in result.output
    assert f"rtsp://127.0.0.1:{port}/live" in result.output
    assert "s3cret" not in result.output


def test_preview_into_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    path = config(tmp_path, {"source": f"{LINE}/camera1", "watch": str(tmp_path)})
    result = CliRunner().invoke(app, ["camera", "preview", "--config", str(path), "--output", str(path)])
    assert result.exit_code == 2
    result = CliRunner().invoke(app, ["camera", "preview", "--config", str(path), "--output", str(path / "below")])
    assert result.exit_code == 2
    assert "camera.yaml/below cannot be made: Not a directory" in result.output


def test_usb_cameras_are_those_of_the_kernels_list(tmp_path: Path) -> None:
    for name, index, called in (("video0", "0", "C920"), ("video1", "1", "C920"), ("video10", "0", "Borescope")):
        entry = tmp_path / name
        entry.mkdir()
        (entry / "index").write_text(f"{index}\n")
        (entry / "name").write_text(f"{called}\n")
    found = UsbCameras(tmp_path).find().devices
    assert [(one.address, one.name) for one in found] == [("/dev/video0", "C920"), ("/dev/video10", "Borescope")]
    assert found[0].settings == {"usb": "/dev/video0"}
    assert UsbCameras(tmp_path / "nowhere").find().devices == []
