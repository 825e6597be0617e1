"""Secured links to servers that are not ours: node-opcua, and asyncua in a process of its own."""

import itertools
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from connectors.__main__ import app
from connectors.opcua.application_certificate import own_certificate
from connectors.opcua.security_settings import ACCEPT_ANY
from connectors.opcua.trust_store import TrustStore
from tests.components.leaks import unwatched
from tests.components.node_opcua import RealNodeOpcua
from tests.components.opcua_certificates import make_certificate
from tests.components.requirement import require
from tests.components.secured_asyncua import NAMESPACE, URI, SecuredAsyncua
from tests.components.structured_asyncua import NAMESPACE as STRUCTURED
from tests.components.structured_asyncua import StructuredAsyncua
from tests.components.waiting import wait_until
from tests.pipeline.connectors.connector_process import LINE, ConnectorProcess
from tests.pipeline.connectors.edge_ledger import ledgers_of
from tests.pipeline.connectors.published import Published
from wire import topics
from wire.kafka.embedded import EmbeddedBroker

# Servers start in processes of their own, and refused attempts are ten seconds apart.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CONTEXT = {"part_counter": "Line/Count", "part_id": "Line/PartId", "trigger_session": "Line/TriggerSession"}


@pytest.fixture(scope="module")
def secured() -> Iterator[RealNodeOpcua]:
    require("node_opcua")
    server = RealNodeOpcua(secure=True)
    with unwatched():
        server.start()
    yield server
    server.close()


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory, secured: RealNodeOpcua) -> Path:
    """A folder whose client and the secured node-opcua believe each other."""
    folder = tmp_path_factory.mktemp("pki")
    introduced = check(folder, secured.endpoint, security={"policy": "Basic256Sha256", "pki": str(folder)})
    assert introduced.exit_code == 1, introduced.output
    assert "is not trusted; compare the thumbprint" in introduced.output
    for one in TrustStore(folder).rejected():
        TrustStore(folder).trust(one.thumbprint)
    refused = check(folder, secured.endpoint, security={"policy": "Basic256Sha256", "pki": str(folder)})
    assert (
        "FAIL  login: BadSecurityChecksFailed: the server does not accept this client's certificate" in refused.output
    )
    secured.trust(folder / "own" / "certificate.der")
    return folder


def check(folder: Path, endpoint: str, **keys: Any) -> Result:
    return CliRunner().invoke(app, ["opcua", "check", "--config", str(config(folder, endpoint, **keys))])


def config(folder: Path, endpoint: str, **keys: Any) -> Path:
    path = folder / "opcua.yaml"
    content = {
        "line": LINE,
        "broker": {"bootstrap": "127.0.0.1:1"},
        "objects": "file:///nowhere",
        "spool": {"directory": "/nowhere"},
        "endpoint": endpoint,
        "namespace": "urn:NodeOPCUA-Server-default",
        "context": CONTEXT,
        **keys,
    }
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.mark.parametrize("mode", ["Sign", "SignAndEncrypt"])
@pytest.mark.parametrize("policy", ["Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"])
def test_every_policy_and_mode_reaches_an_independent_server(
    secured: RealNodeOpcua, pki: Path, policy: str, mode: str
) -> None:
    security = {"policy": policy, "mode": mode, "pki": str(pki)}
    result = check(
        pki, secured.endpoint, security=security, identity={"user": "operator", "password": "let me in"},
        namespace=secured.namespace,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert f"ok    security: {policy}/{mode}; the server's certificate is trusted" in result.output
    assert "ok    login: as user operator" in result.output
    assert "subscription of 3 tags at 100 ms: every tag sent its present value" in result.output


def test_a_wrong_password_is_told_in_one_line(secured: RealNodeOpcua, pki: Path) -> None:
    security = {"policy": "Basic256Sha256", "pki": str(pki)}
    result = check(pki, secured.endpoint, security=security, identity={"user": "operator", "password": "wrong"})
    assert result.exit_code == 1
    assert "FAIL  login: BadUserAccessDenied: the server refuses this user, or its password" in result.output


def test_a_user_logs_in_with_a_certificate(secured: RealNodeOpcua, pki: Path, tmp_path: Path) -> None:
    certificate, key = make_certificate("operator", uri="urn:tests:operator").write(tmp_path, "operator")
    secured.trust(certificate, user=True)
    result = check(
        pki, secured.endpoint, security={"policy": "Basic256Sha256", "pki": str(pki)}, namespace=secured.namespace,
        identity={"certificate": str(certificate), "private_key": str(key)},
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert f"ok    login: as the user of {certificate}" in result.output


def test_a_node_that_is_not_there_does_not_hide_the_others(secured: RealNodeOpcua, tmp_path: Path) -> None:
    result = check(
        tmp_path, secured.endpoint, namespace=secured.namespace, context={**CONTEXT, "part_id": "Line/Serial"},
    )  # fmt: skip
    assert result.exit_code == 1
    assert "FAIL  context part_id (Line/Serial): the server has no node 'Line/Serial'" in result.output
    assert "ok    context part_counter (Line/Count)" in result.output


def test_a_tag_that_is_no_text_and_no_number_is_told_before_the_line_runs(tmp_path: Path) -> None:
    context = {
        "part_counter": "Line/Count", "part_id": "Line/Part::Id", "trigger_session": "Line/TriggerSession",
        "product": "Line/Product", "recipe": "Line/Part",
    }  # fmt: skip
    sensors = [{"name": "level", "node": "Line/Part::Levels"}, {"name": "line", "node": "Line"}]
    with StructuredAsyncua(tmp_path) as server:
        result = check(tmp_path, server.endpoint, namespace=STRUCTURED, context=context, sensors=sensors)
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert "ok    context product (Line/Product): 'Hebel' (str), Good" in lines
    (recipe,) = [line for line in lines if "context recipe" in line]
    assert recipe.startswith("FAIL  context recipe (Line/Part): PlcPart(")
    assert recipe.endswith("neither text nor number: name a field or an element of it, or another node")
    assert len(recipe) < 250
    assert any(line.startswith("FAIL  sensor level") and "no number" in line for line in lines)
    assert "FAIL  sensor line (Line): an object or a method, which has no value: name a variable below it" in lines


def test_browse_prints_each_node_with_its_address(secured: RealNodeOpcua) -> None:
    result = CliRunner().invoke(app, ["opcua", "browse", secured.endpoint, "--depth", "2"])
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert f"Line  [nsu={secured.namespace};i=" in result.output
    assert any(line.startswith("  PartId = 'part-") and line.endswith(";s=PartId]") for line in lines), result.output


def test_the_command_trusts_what_was_rejected(secured: RealNodeOpcua, tmp_path: Path) -> None:
    path = config(tmp_path, secured.endpoint, security={"policy": "Basic256Sha256", "pki": str(tmp_path / "pki")})
    CliRunner().invoke(app, ["opcua", "check", "--config", str(path)])
    listed = CliRunner().invoke(app, ["opcua", "trust", "--config", str(path)])
    (line,) = listed.output.splitlines()
    assert "CN=NodeOPCUA" in line
    thumbprint = line.split()[0]
    trusted = CliRunner().invoke(app, ["opcua", "trust", "--config", str(path), thumbprint])
    assert trusted.output.startswith(f"trusted: {thumbprint}")
    again = CliRunner().invoke(app, ["opcua", "check", "--config", str(path)])
    assert "ok    security: Basic256Sha256/SignAndEncrypt; the server's certificate is trusted" in again.output


def test_a_secured_connector_brings_parts_tells_when_certificates_expire_and_goes_on_with_a_renewed_one(
    tmp_path: Path,
) -> None:
    server_certificate = make_certificate("PLC", uri=URI, ends=timedelta(days=20))
    certificate, key = server_certificate.write(tmp_path / "server", "plc")
    pki = tmp_path / "pki"
    server_certificate.write(pki / "trusted", "plc")
    with (
        EmbeddedBroker(topics.with_dead_letters(), partitions=1) as broker,
        SecuredAsyncua(tmp_path, certificate, key) as server,
    ):
        keys = {
            "endpoint": server.endpoint,
            "namespace": NAMESPACE,
            "context": CONTEXT,
            "security": {"policy": "Aes256Sha256RsaPss", "pki": str(pki)},
        }
        uri = f"urn:lineside:connector:{LINE}"
        own = own_certificate(pki, application_uri=uri, name="Lineside", days=1825)
        (server.trusted / "connector.der").write_bytes(own.path.read_bytes())
        with ConnectorProcess("opcua", tmp_path, bootstrap=broker.bootstrap, **keys) as connector:
            published = Published(broker.bootstrap)
            wait_until(lambda: len(published.sequences(topics.PART_CONTEXT)) >= 5, 40, "contexts")
            metrics = (connector.probe("/metrics") or (0, ""))[1]
            expiries = {
                owner: float(line.rsplit(" ", 1)[1])
                for line in metrics.splitlines()
                for owner in ("own", "server")
                if line.startswith("connector_opcua_certificate_expiry") and f'owner="{owner}"' in line
            }
            now = datetime.now(UTC).timestamp()
            assert expiries["server"] - now == pytest.approx(20 * 86400, abs=3600)
            assert expiries["own"] - now == pytest.approx(1825 * 86400, abs=3600)

            connector.stop()
            expired = make_certificate("Lineside", uri=uri, begins=timedelta(days=-9), ends=timedelta(days=-2))
            _, key = expired.write(own.path.parent, own.path.stem)
            key.replace(own.key_path)
            (server.trusted / "connector.der").write_bytes(own.path.read_bytes())
            connector.start()
            wait_until(
                lambda: "this client's certificate expired on" in (connector.probe("/readyz") or (0, ""))[1],
                40,
                lambda: f"the server to refuse the expired certificate\n{connector.log_tail()}",
            )
            assert connector.probe("/livez") == (200, "ok")  # a restart would not help
            own.path.unlink()  # as the message says: the running process makes another
            wait_until(
                lambda: "does not accept this client's certificate" in (connector.probe("/readyz") or (0, ""))[1],
                40,
                lambda: f"the server to refuse a certificate that it has not seen\n{connector.log_tail()}",
            )
            told = len(published.sequences(topics.PART_CONTEXT))
            (server.trusted / "connector.der").write_bytes(own.path.read_bytes())
            wait_until(
                lambda: len(published.sequences(topics.PART_CONTEXT)) >= told + 5,
                60,
                lambda: f"contexts under the renewed certificate\n{connector.log_tail()}",
            )
            connector.stop()
            # What the PLC counted while it let nobody in is a hole, and nothing else is.
            (ledger,) = ledgers_of(published, f"{LINE}/plc").values()
            assert ledger.published | ledger.holes == set(range(ledger.first, ledger.last + 1))
            assert not ledger.dropped
            numbers = sorted(ledger.published)
            jumps = [(one, other) for one, other in itertools.pairwise(numbers) if other > one + 1]
            assert len(jumps) == 1


def test_an_expired_server_is_refused_unless_any_is_accepted_and_followed_once_it_is_renewed(tmp_path: Path) -> None:
    expired = make_certificate("PLC", uri=URI, begins=timedelta(days=-9), ends=timedelta(days=-2))
    certificate, key = expired.write(tmp_path / "server", "plc")
    pki = tmp_path / "pki"
    expired.write(pki / "trusted", "plc")
    own = own_certificate(pki, application_uri=f"urn:lineside:connector:{LINE}", name="Lineside", days=30)
    security = {"policy": "Basic256Sha256", "pki": str(pki)}
    server = SecuredAsyncua(tmp_path, certificate, key)
    (server.trusted / "connector.der").write_bytes(own.path.read_bytes())
    keys = {"endpoint": server.endpoint, "namespace": NAMESPACE, "context": CONTEXT, "security": security}
    until = f"to {expired.certificate.not_valid_after_utc:%Y-%m-%d}"
    begun = time.monotonic()
    with (
        EmbeddedBroker(topics.with_dead_letters(), partitions=1) as broker,
        ConnectorProcess("opcua", tmp_path, bootstrap=broker.bootstrap, **keys) as connector,
    ):
        with server:
            folder = tmp_path / "server"
            refused = check(folder, server.endpoint, security=security)
            accepted = check(folder, server.endpoint, security={**security, "server_certificates": ACCEPT_ANY})
            wait_until(lambda: until in (connector.probe("/readyz") or (0, ""))[1], 40, connector.log_tail)
            assert connector.probe("/livez") == (200, "ok")
            assert connector.metric("connector_opcua_connected") == connector.metric("connector_opcua_gaps_total") == 0
            metrics = (connector.probe("/metrics") or (0, ""))[1]
            (expiry,) = [line for line in metrics.splitlines() if "certificate_expiry" in line and '"server"' in line]
            assert float(expiry.rsplit(" ", 1)[1]) == expired.certificate.not_valid_after_utc.timestamp()
        assert "FAIL  security: the server's certificate is valid from" in refused.output
        assert until in refused.output
        assert "ok    security: Basic256Sha256/SignAndEncrypt; the server's certificate is accepted unseen" in (
            accepted.output
        )
        renewed = make_certificate("PLC", uri=URI)
        renewed.write(tmp_path / "server", "plc")
        renewed.write(pki / "trusted", "renewed")
        published = Published(broker.bootstrap)
        with server:
            wait_until(
                lambda: len(published.sequences(topics.PART_CONTEXT)) >= 3,
                60,
                lambda: f"contexts of the renewed server\n{connector.log_tail()}",
            )
        assert connector.metric("connector_opcua_gaps_total") >= 1  # what came before is not known
        # At the least five seconds lie between two attempts that only a person can make succeed.
        refusals = [line for line in connector.log.read_text().splitlines() if until in line]
        assert 1 <= len(refusals) <= 1 + (time.monotonic() - begun) / 5
