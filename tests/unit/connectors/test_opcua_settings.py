"""Configuration of an OPC UA link: vendors' samples, limits, security."""

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError
from typer.testing import CliRunner

from connectors.__main__ import app
from connectors.opcua.server_profile import ServerProfile
from connectors.opcua.settings import OpcUaSettings
from wire.settings_layers import load

FOLDER = Path(__file__).resolve().parents[3] / "connectors" / "opcua"
SAMPLES = sorted((FOLDER / "samples").glob("*.yaml"))


def settings(**keys: object) -> OpcUaSettings:
    return OpcUaSettings.model_validate({**yaml.safe_load((FOLDER / "opcua.yaml").read_text()), **keys})


def refusal(**keys: object) -> str:
    with pytest.raises(ValidationError) as raised:
        settings(**keys)
    return "\n".join(error["msg"] for error in raised.value.errors())


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_each_vendors_sample_loads_within_its_limits_and_is_secured(sample: Path) -> None:
    loaded = load(sample, OpcUaSettings)
    assert loaded.security.is_secure


def test_every_profile_has_a_sample() -> None:
    profiles = {load(sample, OpcUaSettings).profile for sample in SAMPLES}
    assert profiles == set(ServerProfile) - {ServerProfile.GENERIC}


def test_what_a_server_cannot_serve_is_refused_and_limits_allow_it() -> None:
    message = refusal(profile="siemens_s7_1500")
    assert "beyond the limits of siemens_s7_1500: publishing_ms 100 < 200, sampling_ms 50 < 100" in message
    assert settings(profile="siemens_s7_1500", limits={"publishing_ms": 50}).limits is not None


def test_too_many_tags_and_rates_are_counted() -> None:
    sensors = [{"name": f"s{i}", "node": f"line3/S{i}", "publishing_ms": 200 + i} for i in range(30)]
    subscription = {"publishing_ms": 200, "sampling_ms": 100}
    message = refusal(profile="siemens_s7_1500", sensors=sensors, subscription=subscription)
    assert "30 publishing rates > 20" in message


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"security": {"policy": "Basic256Sha256"}}, "policy Basic256Sha256 needs pki"),
        ({"security": {"policy": "Basic256"}}, "Input should be 'None', 'Basic256Sha256'"),
        ({"security": {"server_certificates": "any"}}, "write trusted, or 'accept any server certificate'"),
        ({"identity": {"user": "u"}}, "user needs a password"),
        ({"identity": {"user": "u", "password": "p", "password_file": "/p"}}, "not both"),
        ({"identity": {"password": "p"}}, "password without user"),
        ({"identity": {"certificate": "/c"}}, "certificate and private_key belong together"),
        ({"sensors": [{"name": "t", "node": "a", "deadband": 1, "deadband_percent": 1}]}, "not both"),
        ({"sensors": [{"name": "t", "node": "ns=2;s=a"}]}, "a namespace's index may change"),
    ],
)
def test_a_wrong_key_is_told_with_what_to_write(keys: dict[str, object], message: str) -> None:
    assert message in refusal(**keys)


def test_a_password_is_in_no_message_and_no_repr() -> None:
    shown = settings(identity={"user": "u", "password": "hunter2"})
    assert "hunter2" not in repr(shown)


def test_browse_of_what_is_no_opc_ua_address_says_how_to_write_one() -> None:
    result = CliRunner().invoke(app, ["opcua", "browse", "http://plc3"])
    assert result.exit_code == 2
    assert "opc.tcp://host:port" in result.output
