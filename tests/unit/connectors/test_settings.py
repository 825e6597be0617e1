"""Configuration files: the samples load, and everything that is wrong is said at once."""

from pathlib import Path
from typing import get_args

import pytest
import yaml
from pydantic import BaseModel
from typer.testing import CliRunner

from connectors.__main__ import app
from connectors.camera.settings import CameraSettings
from connectors.genicam.settings import GenicamSource
from connectors.line.settings import LineSettings
from connectors.opcua.settings import OpcUaSettings
from connectors.replay.settings import ReplaySettings
from connectors.settings import ConnectorSettings
from wire.errors import ConfigurationError
from wire.settings_file import read_keys
from wire.settings_layers import load

CONNECTORS = Path(__file__).resolve().parents[3] / "connectors"
KINDS: dict[str, type[ConnectorSettings]] = {
    "line": LineSettings,
    "camera": CameraSettings,
    "opcua": OpcUaSettings,
    "replay": ReplaySettings,
}


def write(folder: Path, content: object) -> Path:
    path = folder / "connector.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def sample(kind: str) -> dict:
    return yaml.safe_load((CONNECTORS / kind / f"{kind}.yaml").read_text())


def problems(folder: Path, content: object, kind: str = "camera") -> list[str]:
    path = write(folder, content)
    with pytest.raises(ConfigurationError) as raised:
        load(path, KINDS[kind])
    assert all(line.startswith(f"{path}: ") for line in raised.value.problems)
    return [line.removeprefix(f"{path}: ") for line in raised.value.problems]


@pytest.mark.parametrize("kind", KINDS)
def test_the_sample_beside_the_readme_loads(kind: str) -> None:
    settings = load(CONNECTORS / kind / f"{kind}.yaml", KINDS[kind])
    assert settings.line.count(".") == 2


def models_in(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for one in get_args(annotation) for model in models_in(one)]


def fields(model: type[BaseModel]) -> set[str]:
    found = set()
    for name, field in model.model_fields.items():
        nested = models_in(field.annotation)
        found |= {name} if not nested else {one for model in nested for one in fields(model)}
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_is_in_a_readme(kind: str) -> None:
    # The READMEs of line and camera refer to those of their devices.
    cameras = ["camera", "genicam", "replay"]
    folders = {"line": ["line", "opcua", *cameras], "camera": cameras}.get(kind, [kind])
    text = "".join((CONNECTORS / name / "README.md").read_text() for name in (".", *folders))
    assert [name for name in sorted(fields(KINDS[kind])) if name not in text] == []


@pytest.mark.parametrize("kind", KINDS)
def test_check_says_that_the_sample_is_right(kind: str) -> None:
    result = CliRunner().invoke(app, [kind, "--config", str(CONNECTORS / kind / f"{kind}.yaml"), "--check"])
    assert (result.exit_code, result.stdout.strip().split(": ")[1]) == (0, "no problems found")


def test_check_names_every_problem_and_ends_with_status_2(tmp_path: Path) -> None:
    path = write(tmp_path, {**sample("camera"), "line": "line3", "heartbeat_s": 0})
    result = CliRunner().invoke(app, ["camera", "--config", str(path), "--check"])
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        f"error: {path}: line = 'line3': line_id: 'line3' is not of the form site.area.line "
        "(letters, digits, _ and -); write it like plant1.hall2.line3",
        f"error: {path}: heartbeat_s = 0: Input should be greater than 0",
    ]


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    content = sample("camera")
    content["broker"]["bootstrap"] = "kafka"
    content["objects"] = "/folder"
    content["spool"]["policy"] = "some_frames"
    content["spool"]["max_bytes"] = 10
    content["sources"][0]["folder"] = "/x"
    del content["sources"][1]["watch"]
    assert problems(tmp_path, content) == [
        "broker.bootstrap = 'kafka': 'kafka' is not host:port",
        "objects = '/folder': '/folder' is no URL; write file:///folder or s3://bucket",
        "spool.max_bytes = 10: Input should be greater than or equal to 1048576",
        "spool.policy = 'some_frames': Input should be 'every_frame' or 'freshest'; take one of those",
        "sources.0.folder: Extra inputs are not permitted; remove it, or correct its spelling",
        "sources.1: names no origin; give one of watch, camera, rtsp, usb, video, folder",
    ]


@pytest.mark.parametrize("kind", ["camera", "replay"])
def test_a_connector_without_sources_is_refused(tmp_path: Path, kind: str) -> None:
    (problem,) = problems(tmp_path, sample(kind) | {"sources": []}, kind)
    assert problem.startswith("(whole file): sources: is empty; name at least one")


def test_a_secret_under_a_wrong_key_is_not_shown(tmp_path: Path) -> None:
    content = sample("camera") | {"sasl.password": "hunter2"}
    assert "hunter2" not in "\n".join(problems(tmp_path, content))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"source": "plant9.a.b/camera1"},
            "source 'plant9.a.b/camera1' does not belong to line 'plant1.hall2.line3'; "
            "write plant1.hall2.line3/<device>",
        ),
        (
            {"source": "plant1.hall2.line3/depth1"},
            "sources: 'plant1.hall2.line3/depth1' appears twice; each camera has its own name",
        ),
        (
            {"watch": "/srv/cameras/line3/depth1"},
            "sources: two cameras watch /srv/cameras/line3/depth1; each has its own folder",
        ),
    ],
)
def test_sources_that_do_not_fit_together_are_refused(tmp_path: Path, change: dict, message: str) -> None:
    content = sample("camera")
    content["sources"][0] |= change
    assert problems(tmp_path, content) == [f"(whole file): {message}"]


def test_opcua_settings_name_what_is_wrong(tmp_path: Path) -> None:
    content = sample("opcua")
    content["endpoint"] = "http://plc:4840"
    content["context"]["part_id"] = "line3//PartId"
    content["subscription"]["queue_size"] = 1
    assert problems(tmp_path, content, "opcua") == [
        "endpoint = 'http://plc:4840': is no OPC UA address; write opc.tcp://host:port",
        "context.part_id = 'line3//PartId': 'line3//PartId' is no browse path; "
        "write the names below Objects, e.g. line3/PartCounter",
        "subscription.queue_size = 1: Input should be greater than or equal to 100",
    ]


def test_two_channels_of_one_name_are_refused(tmp_path: Path) -> None:
    content = sample("opcua")
    content["sensors"][1]["name"] = "temperature"
    assert problems(tmp_path, content, "opcua") == [
        "(whole file): sensors: temperature appears twice; each channel has its own name"
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"video": "/x.mp4"}, "sources.0: names folder and video; give one of folder, video, rtsp, usb"),
        ({"folder": None}, "sources.0: names no origin; give one of folder, video, rtsp, usb"),
        (
            {"folder": None, "rtsp": "http://camera"},
            "sources.0.rtsp = 'http://camera': is no RTSP address; write rtsp://host/path",
        ),
    ],
)
def test_a_replay_has_one_origin(tmp_path: Path, change: dict, message: str) -> None:
    content = sample("replay")
    content["sources"][0] |= change
    assert problems(tmp_path, content, "replay")[0] == message


def test_two_replays_of_one_name_are_refused(tmp_path: Path) -> None:
    content = sample("replay")
    content["sources"] *= 2
    assert problems(tmp_path, content, "replay") == [
        "(whole file): sources: lab.bench.line1/camera1 appears twice; each source has its own name"
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("- a\n- b\n", "holds no keys; begin with a copy of the sample in the README"),
        ("a: [", "is not YAML: "),
    ],
)
def test_a_file_that_is_no_settings_file_is_refused(tmp_path: Path, content: str, message: str) -> None:
    assert problems(tmp_path, content)[0].startswith(message)


def test_a_key_that_is_given_twice_is_no_silent_choice(tmp_path: Path) -> None:
    path = tmp_path / "camera.yaml"
    path.write_text("line: a.b.c\nspool:\n  directory: /one\n  policy: freshest\n  directory: /two\n")
    with pytest.raises(ConfigurationError, match="directory is given twice, in line 3 and in line 5; remove one"):
        read_keys(path)
    path.write_text("one: &x {a: 1}\ntwo: &y {b: 2}\nboth: {<<: *x, <<: *y}\n")
    assert read_keys(path)["both"] == {"a": 1, "b": 2}


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.yaml: cannot be read \(No such file or directory\)"):
        load(tmp_path / "none.yaml", CameraSettings)


def test_a_line_tells_its_devices_what_connectors_of_their_own_would_be_told(tmp_path: Path) -> None:
    settings = load(write(tmp_path, sample("line")), LineSettings)
    assert settings.camera_settings.sources == settings.cameras
    assert settings.opcua_settings.source_name == "plant1.hall2.line3/plc"
    assert settings.opcua_settings.endpoint == "opc.tcp://plc3.plant1.example:4840"
    assert settings.camera_settings.spool == settings.opcua_settings.spool == settings.spool


def test_devices_of_another_line_are_refused(tmp_path: Path) -> None:
    content = sample("line")
    content["plc"]["source"] = "plant9.a.b/plc"
    (problem,) = problems(tmp_path, content, "line")
    assert "source 'plant9.a.b/plc' does not belong to line 'plant1.hall2.line3'" in problem
    content = sample("line") | {"cameras": []}
    (problem,) = problems(tmp_path, content, "line")
    assert problem == "(whole file): cameras: is empty; name at least one camera"


@pytest.mark.parametrize("kind", KINDS)
def test_a_password_comes_from_the_environment_and_lies_over_the_files_options(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = sample(kind)
    content["broker"]["options"] = {"sasl.username": "line3"}
    monkeypatch.setenv("LINESIDE_BROKER__OPTIONS__sasl.password", "secret")
    monkeypatch.setenv("LINESIDE_SPOOL__MAX_BYTES", "2097152")

    settings = load(write(tmp_path, content), KINDS[kind])

    devices = (settings.camera_settings, settings.opcua_settings) if isinstance(settings, LineSettings) else ()
    for one in (settings, *devices):
        options = {name: value.get_secret_value() for name, value in one.broker.options.items()}
        assert options == {"sasl.username": "line3", "sasl.password": "secret"}
        assert one.spool.max_bytes == 2097152
        assert one.spool.directory == settings.spool.directory


def test_the_sample_of_genicam_cameras_loads() -> None:
    settings = load(CONNECTORS / "genicam" / "genicam.yaml", CameraSettings)
    assert [type(one) for one in settings.sources] == [GenicamSource, GenicamSource]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"camera": "10.0.0.7", "exposure_us": 0}, "sources.0.exposure_us = 0: Input should be greater than 0"),
        ({"camera": "10.0.0.7", "trigger": "software"}, "sources.0: rate_fps: is missing; a software trigger"),
        ({"camera": "10.0.0.7", "trigger": "hardware", "rate_fps": 5}, "sources.0: rate_fps: the hardware trigger"),
        ({"camera": "10.0.0.7", "encoding": "original"}, "sources.0: encoding: a camera delivers pixels; take jpeg"),
        ({"camera": "10.0.0.7", "attributes": {"Depth": "1"}}, "sources.0.attributes: 'Depth': lower-case letters"),
        ({"rtsp": "http://x"}, "sources.0.rtsp = 'http://x': is no RTSP address"),
        ({"usb": "video0"}, "sources.0.usb = 'video0': String should match pattern '^/dev/'"),
        ({"wach": "/x"}, "sources.0: names no origin; give one of watch, camera, rtsp, usb, video, folder"),
    ],
)
def test_a_camera_entry_is_checked_as_what_it_names(tmp_path: Path, entry: dict, message: str) -> None:
    content = sample("camera") | {"sources": [{"source": "plant1.hall2.line3/camera1", **entry}]}
    (problem,) = problems(tmp_path, content)
    assert problem.startswith(message)


def test_a_genicam_camera_has_one_master(tmp_path: Path) -> None:
    entries = [{"source": f"plant1.hall2.line3/camera{at}", "camera": "10.0.0.7"} for at in (1, 2)]
    (problem,) = problems(tmp_path, sample("camera") | {"sources": entries})
    assert problem == "(whole file): sources: 10.0.0.7 appears twice; a camera has one master"
