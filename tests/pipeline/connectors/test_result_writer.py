"""The way back against node-opcua as the PLC: its own list of what it took is the truth."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, ua
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256

from connectors.opcua.trust_store import TrustStore
from connectors.results.verdict import VerdictVersion
from connectors.results.write_journal import Begun, WriteJournal
from tests.components.child_process import ChildProcess
from tests.components.node_opcua import RealNodeOpcua, node_opcua_modules
from tests.components.opcua_certificates import make_certificate
from tests.components.ports import free_port
from tests.components.requirement import require
from tests.components.waiting import wait_until
from tests.pipeline.connectors.connector_process import LINE
from tests.pipeline.connectors.result_process import ResultProcess, result, send
from wire import topics
from wire.finding import ModalityState, ModalityVerdict, Verdict
from wire.kafka.embedded import EmbeddedBroker

pytestmark = [pytest.mark.slow]

EVENTS = Path(__file__).resolve().parents[2] / "components" / "node_opcua_events.js"
USED = ModalityVerdict(modality="rgb", state=ModalityState.USED, verdict=Verdict.OK)


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(topics.with_dead_letters(), partitions=1) as broker:
        yield broker


def plc(server: RealNodeOpcua, **keys: Any) -> dict[str, Any]:
    return {
        "endpoint": server.endpoint,
        "namespace": server.namespace,
        "nodes": {
            "part_id": "s=ResultPartId",
            "verdict": "s=ResultVerdict",
            "late": "Line/ResultLate",
            "score": "Line/ResultScore",
            "counter": "s=ResultCounter",
        },
        "acknowledge": {"part_id": "s=EchoPartId", "counter": "s=EchoCounter", "timeout_s": 1.0},
        **keys,
    }


def writer(folder: Path, broker: EmbeddedBroker, server: RealNodeOpcua, **keys: Any) -> ResultProcess:
    lines = [{"line": LINE, "deadline_s": 5.0, "expire_s": 60.0, "plc": plc(server), **keys}]
    return ResultProcess(folder, bootstrap=broker.bootstrap, lines=lines)


def test_each_verdict_is_written_once_per_version_and_late_ones_say_so(
    own_node_opcua: RealNodeOpcua, broker: EmbeddedBroker, tmp_path: Path
) -> None:
    server = own_node_opcua
    with writer(tmp_path, broker, server) as process:
        partial = result("P-4", is_partial=True)
        complete = partial.model_copy(update={"modalities": (USED,), "is_partial": False, "verdict": Verdict.DEFECT})
        send(broker.bootstrap, [
            result("P-1"),
            result("P-2", verdict=Verdict.DEFECT, score=7.5),
            result("P-3", age_s=20.0),
            result("P-0", age_s=90.0),
            result("X-1", line="plant1.hall2.line9"),
            partial, partial, complete, partial,
        ])  # fmt: skip
        wait_until(lambda: process.count("repeated") == 2, 30, lambda: f"everything to be decided: {server.taken()}")
        taken = [(one["part"], one["verdict"], one["late"], one["counter"]) for one in server.taken()]
        assert taken == [
            ("P-1", 1, False, 1),
            ("P-2", 2, False, 2),
            ("P-3", 1, True, 3),
            ("P-4", 1, False, 4),
            ("P-4", 2, False, 5),
        ]
        assert server.taken()[1]["score"] == 7.5
        assert (process.count("acknowledged"), process.count("expired")) == (5, 1)
        assert process.missed() == 2  # P-3 was late, P-0 expired
        process.stop()


def test_a_plc_that_does_not_echo_costs_its_timeout_and_is_counted(broker: EmbeddedBroker, tmp_path: Path) -> None:
    with (
        RealNodeOpcua(echo=False) as server,
        writer(tmp_path, broker, server, plc=plc(server, verdict_codes={"ok": 10, "defect": 20, "unknown": 30})) as one,
    ):
        send(broker.bootstrap, [result("P-1"), result("P-2", verdict=Verdict.UNKNOWN)])
        wait_until(lambda: one.count("unacknowledged") == 2, 20, "both to time out")
        assert [(taken["part"], taken["verdict"]) for taken in server.taken()] == [("P-1", 10), ("P-2", 30)]
        assert one.missed() == 2


@pytest.mark.fault
def test_a_killed_writer_and_a_plc_that_was_away_lose_nothing_and_repeat_nothing(
    own_node_opcua: RealNodeOpcua, broker: EmbeddedBroker, tmp_path: Path
) -> None:
    server = own_node_opcua
    process = writer(tmp_path, broker, server, deadline_s=50.0)
    with process:
        send(broker.bootstrap, [result(f"P-{number}") for number in range(20)])
        wait_until(lambda: len(server.taken()) >= 5, 20, "some verdicts")
        process.kill()
        wait_until(lambda: process.start() is process, 60, "the writer to be back")
        # They come in order, so that behind the last there is none to come.
        wait_until(lambda: server.taken()[-1]["part"] == "P-19", 30, lambda: f"the rest: {server.taken()}")
        wait_until(lambda: process.count("acknowledged") + process.count("repeated") >= 15, 20, "the rest decided")
        parts = [one["part"] for one in server.taken()]
        assert parts == [f"P-{number}" for number in range(20)]  # none is lost, none is there twice
        server.stop()
        send(broker.bootstrap, [result("P-90"), result("P-91")])
        server.start()
        wait_until(lambda: [one["part"] for one in server.taken()] == ["P-90", "P-91"], 40, "those of the outage")


def test_a_writer_that_was_killed_in_the_midst_of_a_write_learns_from_the_counter_whether_it_arrived(
    own_node_opcua: RealNodeOpcua, broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """Its journal says of three writes that they were begun: the PLC's counter is 1."""
    server = own_node_opcua
    with writer(tmp_path, broker, server, deadline_s=50.0) as process:
        send(broker.bootstrap, [result("P-1")])
        wait_until(lambda: process.count("acknowledged") == 1, 30, "the first verdict")
        process.stop()
        arrived, unknown, never = (result(f"P-{number}") for number in (2, 3, 4))
        journal = WriteJournal(tmp_path / "results.journal")
        for one, before in ((arrived, 0), (unknown, 40), (never, 1)):
            journal.begin(
                Begun(
                    version=VerdictVersion.of(one),
                    line=LINE,
                    part_id=one.part_id or "",
                    counter_before=before,
                    counter=before + 1,
                )
            )
        journal.close()
        process.start()
        wait_until(lambda: process.count("uncertain") == 1, 20, "the doubt to be told")
        send(broker.bootstrap, [arrived, unknown, never])
        wait_until(lambda: process.count("repeated") == 2, 20, "those that may have arrived")
        wait_until(lambda: process.count("acknowledged") == 1, 20, "the one that did not")
        assert [(one["part"], one["counter"]) for one in server.taken()] == [("P-1", 1), ("P-4", 2)]
        process.stop()


async def test_a_secured_vision_system_believes_those_clients_alone_that_were_trusted(
    broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """With the same folders as the connector's own client: who is met the first time lies in ``rejected``."""
    require("node_opcua")
    nodeset = node_opcua_modules() / "node_modules/node-opcua-nodesets/nodesets/Opc.Ua.MachineVision.NodeSet2.xml"
    endpoint, pki = f"opc.tcp://127.0.0.1:{free_port()}", tmp_path / "pki"
    certificate, key = make_certificate("MES", uri="urn:tests:mes").write(tmp_path / "client", "mes")
    process = ResultProcess(
        tmp_path, bootstrap=broker.bootstrap, lines=[{"line": LINE}],
        vision_system={
            "endpoint": endpoint, "nodeset": str(nodeset),
            "security": {"policy": "Basic256Sha256", "mode": "SignAndEncrypt", "pki": str(pki)},
        },
    )  # fmt: skip

    async def look() -> list[str]:
        client = Client(endpoint)
        client.application_uri = "urn:tests:mes"
        await client.set_security(
            SecurityPolicyBasic256Sha256, str(certificate), str(key),
            server_certificate=str(pki / "own" / "certificate.der"),
        )  # fmt: skip
        async with client:
            return [(await node.read_browse_name()).Name for node in await client.nodes.objects.get_children()]

    with process:
        with pytest.raises((ConnectionError, ua.UaError, TimeoutError, asyncio.TimeoutError)):
            async with Client(endpoint):
                pass  # without security there is no way in
        with pytest.raises((ConnectionError, ua.UaError, TimeoutError, asyncio.TimeoutError)):
            await look()
        (stranger,) = TrustStore(pki).rejected()
        TrustStore(pki).trust(stranger.thumbprint)
        assert f"VisionSystem {LINE}" in await look()
        process.stop()


def test_an_independent_client_hears_result_ready_of_the_official_type(broker: EmbeddedBroker, tmp_path: Path) -> None:
    require("node_opcua")
    modules = node_opcua_modules()
    nodeset = modules / "node_modules/node-opcua-nodesets/nodesets/Opc.Ua.MachineVision.NodeSet2.xml"
    endpoint = f"opc.tcp://127.0.0.1:{free_port()}"
    process = ResultProcess(
        tmp_path, bootstrap=broker.bootstrap, lines=[{"line": LINE, "deadline_s": 60, "expire_s": 60}],
        vision_system={"endpoint": endpoint, "nodeset": str(nodeset)},
    )  # fmt: skip
    log = tmp_path / "client.log"
    with process:
        client = ChildProcess(["node", EVENTS, modules, endpoint], log_path=log, cwd=tmp_path)
        wait_until(lambda: "subscribed" in log.read_text(), 30, lambda: f"a subscription: {client.log_tail()}")
        inspection = result("P-7", verdict=Verdict.DEFECT)
        send(broker.bootstrap, [inspection])
        wait_until(lambda: "event " in log.read_text(), 20, lambda: f"the event: {client.log_tail()}")
        client.stop(deadline_s=5.0)
    (line,) = [line for line in log.read_text().splitlines() if line.startswith("event ")]
    event = json.loads(line.removeprefix("event "))
    assert event["EventType"].endswith("i=1024")
    assert event["SourceName"] == f"VisionSystem {LINE}"
    assert event["PartId"]["id"] == "P-7"
    assert event["ResultId"]["id"] == str(inspection.inspection_id)
    assert (event["JobId"]["id"], event["ProductId"]["id"]) == ("J-7", "bracket")
    assert (event["IsPartial"], event["ResultState"]) == (False, 1)
    contents = [one["value"] if isinstance(one, dict) else one for one in event["ResultContent"]]
    assert contents[:2] == ["defect", False]
    assert json.loads(contents[2])["PartId"] == "P-7"
