"""What answers is listed, and makes a first configuration."""

from pathlib import Path

import yaml
from typer.testing import CliRunner

from connectors.__main__ import app
from connectors.discovery.opcua_servers import hosts_of
from connectors.line.settings import LineSettings
from tests.components.node_opcua import RealNodeOpcua
from tests.components.ports import free_port
from wire.settings_layers import load


def test_a_server_that_answers_is_listed_with_its_security_and_makes_a_first_configuration(
    node_opcua: RealNodeOpcua, tmp_path: Path
) -> None:
    path = tmp_path / "line.yaml"
    asked = ["--host", "127.0.0.1", "--port", str(node_opcua.port), "--port", str(free_port())]
    result = CliRunner().invoke(app, ["discover", *asked, "--write", str(path), "--line", "plant1.hall2.line3"])
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[0].startswith(f"opcua  opc.tcp://127.0.0.1:{node_opcua.port}  ")
    assert "      security: None" in result.output
    assert "      login: anonymous" in result.output
    settings = load(path, LineSettings)
    assert settings.plc.endpoint == f"opc.tcp://127.0.0.1:{node_opcua.port}"
    assert yaml.safe_load(path.read_text())["plc"]["context"]["part_id"] == "SET-ME"
    again = CliRunner().invoke(app, ["discover", *asked, "--write", str(path)])
    assert again.exit_code == 2
    assert "exists; name another file" in again.output


def test_nothing_that_answers_is_said_so() -> None:
    result = CliRunner().invoke(app, ["discover", "--host", "127.0.0.1", "--port", str(free_port())])
    assert (result.exit_code, result.output) == (1, "nothing answered; name --host or --network\n")


def test_a_network_is_its_hosts_and_too_large_a_one_is_refused() -> None:
    assert hosts_of("192.168.7.0/30") == ["192.168.7.1", "192.168.7.2"]
    refused = CliRunner().invoke(app, ["discover", "--network", "10.0.0.0/8"])
    assert refused.exit_code == 2
    assert "16777216 addresses" in refused.output
