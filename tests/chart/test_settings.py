"""The files in the ConfigMaps are settings that the product's own processes accept."""

from pathlib import Path

import pytest
import yaml

from connectors.camera.settings import CameraSettings
from connectors.line.settings import LineSettings
from connectors.replay.settings import ReplaySettings
from connectors.results.settings import ResultsSettings
from connectors.settings import ConnectorSettings
from dashboard.settings import load_settings as load_dashboard
from lineside.site import Site
from stream.settings import Role, load_settings
from tests.chart.rendering import SAMPLES, Manifest, environment, one, render
from wire import topics
from wire.settings_layers import load

KINDS: dict[str, type[ConnectorSettings]] = {"line": LineSettings, "camera": CameraSettings, "replay": ReplaySettings}


@pytest.fixture(autouse=True)
def database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINESIDE_DATABASE", "postgresql://lineside:secret@database/lineside")


def written(manifest: Manifest, key: str, folder: Path) -> Path:
    path = folder / key
    path.write_text(manifest["data"][key])
    return path


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("role", list(Role))
def test_a_workers_file_is_accepted(sample: str, role: Role, tmp_path: Path) -> None:
    manifests = render(sample=sample)
    settings = load_settings(written(one(manifests, "ConfigMap", "-config"), f"{role}.yaml", tmp_path), [role])

    assert settings.roles == (role,)
    assert (settings.telemetry.host, settings.telemetry.port) == ("0.0.0.0", 9100)
    has_gpu = role is Role.INSPECT and sample != "one-box"
    assert settings.inspect.device == ("cuda" if has_gpu else "cpu")


def test_a_roles_own_settings_reach_it(tmp_path: Path) -> None:
    sets = (
        "workers.inspect.settings.max_batch=5",
        "workers.store.settings.max_batch=7",
        "workers.build.settings.lease_s=9",
    )
    config = one(render(*sets), "ConfigMap", "-config")
    files = {role: load_settings(written(config, f"{role}.yaml", tmp_path), [role]) for role in Role}

    assert files[Role.INSPECT].inspect.max_batch == 5
    assert files[Role.STORE].store.max_batch == 7
    assert files[Role.BUILD].build.lease_s == 9


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_connectors_file_is_accepted(sample: str, tmp_path: Path) -> None:
    manifests = render(sample=sample)
    found = [each for each in manifests if each["kind"] == "StatefulSet" and "-connector-" in each["metadata"]["name"]]
    assert found

    for stateful in found:
        kind = stateful["spec"]["template"]["spec"]["containers"][0]["command"][3]
        config = one(manifests, "ConfigMap", stateful["metadata"]["name"])
        settings = load(written(config, "connector.yaml", tmp_path), KINDS[kind])
        assert settings.spool.directory == Path("/spool/events")
        claimed = stateful["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"]
        assert settings.spool.max_bytes == int(claimed.removesuffix("Gi")) * 1024**3 * 9 // 10


def test_a_line_with_results_has_a_writer_with_a_group_and_a_journal_of_its_own(tmp_path: Path) -> None:
    manifests = render(sample="plant")
    stateful = one(manifests, "StatefulSet", "-results-press3")
    pod = stateful["spec"]["template"]["spec"]
    path = written(one(manifests, "ConfigMap", "-results-press3"), "results.yaml", tmp_path)

    settings = load(path, ResultsSettings)

    assert [line.line for line in settings.lines] == ["plant2.hall1.press3"]
    assert settings.lines[0].deadline_s == 0.8
    assert settings.group == "lineside-results-press3"
    assert settings.journal == Path("/state/results.journal")
    assert pod["containers"][0]["command"][:4] == ["python", "-m", "connectors", "results"]
    assert [claim["metadata"]["name"] for claim in stateful["spec"]["volumeClaimTemplates"]] == ["state"]
    assert stateful["spec"]["replicas"] == 1
    plc = settings.lines[0].plc
    assert plc is not None
    assert plc.identity.password_file == Path("/etc/lineside/secret/plc")
    mounts = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
    assert mounts["line-secret"] == "/etc/lineside/secret"
    assert {"name": "line-secret", "secret": {"secretName": "lineside-press3", "defaultMode": 0o440}} in pod["volumes"]


def test_lines_without_results_have_no_writer() -> None:
    assert not [each for each in render(sample="many-lines") if "-results-" in each["metadata"]["name"]]


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_dashboards_file_is_accepted(sample: str, tmp_path: Path) -> None:
    settings = load_dashboard(written(one(render(sample=sample), "ConfigMap", "-config"), "dashboard.yaml", tmp_path))

    assert settings.host == "0.0.0.0"
    assert settings.keys_file == Path("/etc/lineside/keys/keys.yaml")
    assert settings.secure_cookies is (sample != "one-box")


def test_security_of_kafka_reaches_every_process_and_its_password_by_a_variable(tmp_path: Path) -> None:
    manifests = render(sample="plant")
    expected = {
        "security.protocol": "sasl_ssl", "ssl.ca.location": "/etc/lineside/kafka-ca/ca.crt",
        "sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "lineside",
    }  # fmt: skip
    files = [
        yaml.safe_load(text)
        for config in manifests
        if config["kind"] == "ConfigMap"
        for name, text in config["data"].items()
        if name in ("inspect.yaml", "store.yaml", "dashboard.yaml", "connector.yaml", "results.yaml")
    ]
    assert [file["broker"]["options"] for file in files] == [expected] * 5

    for kind, name in (
        ("Deployment", "inspect"),
        ("Deployment", "dashboard"),
        ("StatefulSet", "connector-press3"),
        ("StatefulSet", "results-press3"),
    ):
        (container,) = one(manifests, kind, name)["spec"]["template"]["spec"]["containers"]
        password = environment(container)["LINESIDE_BROKER__OPTIONS__SASL.PASSWORD"]
        assert password == {"secretKeyRef": {"name": "lineside", "key": "password"}}
        assert {"name": "kafka-ca", "mountPath": "/etc/lineside/kafka-ca", "readOnly": True} in container[
            "volumeMounts"
        ]


def test_the_job_that_makes_topics_reads_the_same_broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifests = render("kafka.tls.enabled=true", "kafka.tls.caSecret=ca")
    path = written(one(manifests, "ConfigMap", "-topics"), "broker.yaml", tmp_path)
    (container,) = one(manifests, "Job", "-topics")["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["lineside", "topics", "--partitions", "24"]
    monkeypatch.setenv("LINESIDE_BROKER_OPTIONS", str(path))

    broker = Site(data_dir=tmp_path, broker=environment(container)["LINESIDE_BROKER"]).broker

    assert broker.librdkafka()["security.protocol"] == "ssl"
    assert broker.bootstrap == "kafka:9092"


def test_scaling_follows_the_groups_and_topics_of_the_product() -> None:
    manifests = render(sample="many-lines")
    triggers = {
        each["spec"]["scaleTargetRef"]["name"].rsplit("-", 1)[1]: each["spec"]["triggers"][0]["metadata"]
        for each in manifests
        if each["kind"] == "ScaledObject"
    }

    watched = {role: (trigger["consumerGroup"], trigger["topic"]) for role, trigger in triggers.items()}
    assert watched == {
        "inspect": (topics.GROUP_INSPECT, topics.FRAMES),
        "describe": (topics.GROUP_DESCRIBE, topics.RESULTS),
        "store": (topics.GROUP_STORE, topics.RESULTS),
    }
    assert all(trigger["offsetResetPolicy"] == "earliest" for trigger in triggers.values())
    assert "replicas" not in one(manifests, "Deployment", "inspect")["spec"]
    assert one(render(), "Deployment", "inspect")["spec"]["replicas"] == 1
    scaled = one(manifests, "ScaledObject", "inspect")["spec"]
    down = scaled["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
    assert (scaled["minReplicaCount"], scaled["maxReplicaCount"]) == (4, 28)
    assert down["stabilizationWindowSeconds"] == 900
    assert down["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 900}]


def test_strimzis_topics_are_those_of_the_product() -> None:
    made = {each["metadata"]["name"]: each["spec"] for each in render(sample="plant") if each["kind"] == "KafkaTopic"}

    assert set(made) == set(topics.with_dead_letters())
    for name, spec in made.items():
        assert spec["partitions"] == 24
        assert spec["config"]["message.timestamp.type"] == "LogAppendTime"
        assert spec["config"]["retention.ms"] == 7 * 24 * 3600 * 1000
        assert spec["config"]["max.message.bytes"] == (2097152 if name.endswith(".dlq") else 1048576)


def test_jobs_of_an_upgrade_come_before_it_and_need_nothing_that_it_brings() -> None:
    manifests = render()
    for name in ("-migrate", "-topics"):
        job = one(manifests, "Job", name)
        assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
        assert "serviceAccountName" not in job["spec"]["template"]["spec"]
        mounted = [
            volume["configMap"]["name"]
            for volume in job["spec"]["template"]["spec"]["volumes"]
            if "configMap" in volume
        ]
        for config in mounted:
            annotations = one(manifests, "ConfigMap", config)["metadata"]["annotations"]
            assert int(annotations["helm.sh/hook-weight"]) < int(job["metadata"]["annotations"]["helm.sh/hook-weight"])
