"""Values: the schema is that of the comments, typos are refused, and what does not fit together is told at once."""

import importlib.util
import json
from types import ModuleType

import pytest

from tests.chart.rendering import CHART, template


@pytest.fixture(scope="module")
def values_schema() -> ModuleType:
    spec = importlib.util.spec_from_file_location("values_schema", CHART.parent / "values_schema.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_schema_is_compiled_from_the_values_as_they_are(values_schema: ModuleType) -> None:
    compiled = values_schema.schema_of((CHART / "values.yaml").read_text())

    assert json.loads((CHART / "values.schema.json").read_text()) == compiled, "run `make chart`"


def test_every_value_is_described_by_a_comment_or_by_its_section(values_schema: ModuleType) -> None:
    compiled = values_schema.schema_of((CHART / "values.yaml").read_text())
    top = {name: value for name, value in compiled["properties"].items() if name != "global"}

    silent = [
        f"{name}.{key}"
        for name, section in top.items()
        if "description" not in section
        for key, value in section.get("properties", {}).items()
        if "description" not in value and value.get("type") != "object"
    ]
    assert silent == []


def test_comments_become_descriptions_and_blocks_become_limits(values_schema: ModuleType) -> None:
    compiled = values_schema.schema_of(
        "# How many.\n# @schema\n# minimum: 1\nreplicas: 2\n# The page.\npage:\n  # Its name.\n  host: a\n"
    )

    replicas = {"description": "How many.", "type": "integer", "minimum": 1, "default": 2}
    host = {"description": "Its name.", "type": "string", "default": "a"}
    assert compiled["additionalProperties"] is False
    assert compiled["properties"]["replicas"] == replicas
    assert compiled["properties"]["page"] == {
        "description": "The page.", "type": "object", "additionalProperties": False, "properties": {"host": host}
    }  # fmt: skip


def test_an_empty_section_that_nothing_describes_is_an_error(values_schema: ModuleType) -> None:
    with pytest.raises(values_schema.UntoldType, match=r"pod\.labels: an empty section needs @schema"):
        values_schema.schema_of("pod:\n  labels: {}\n")


TYPOS = {
    "kafka.bootstrp=kafka:9092": "kafka: Additional property bootstrp is not allowed",
    "workers.inspect.replica=3": "workers.inspect: Additional property replica is not allowed",
    "monitor.podMonitor=true": "(root): Additional property monitor is not allowed",
    "kafka.topics.partitions=many": "kafka.topics.partitions: Invalid type. Expected: integer, given: string",
    "kafka.sasl.mechanism=SCRAM": "kafka.sasl.mechanism",
    "gpu.sharing=slices": "gpu.sharing",
    "logLevel=debug": "logLevel",
    "connectors.spool.size=10GB": "connectors.spool.size: Does not match pattern",
    "lines[0].name=press3": "lines.0: line is required",
}


@pytest.mark.parametrize("typo", TYPOS)
def test_a_typo_is_refused_and_named(typo: str) -> None:
    with pytest.raises(RuntimeError) as refused:
        template("--set", typo)
    assert TYPOS[typo] in str(refused.value)


LINE = (
    "lines[{0}].name=press{1},lines[{0}].line=plant1.hall1.press{1},lines[{0}].kind=line,lines[{0}].config.cameras={{}}"
)
MISFITS = {
    "kafka.sasl.enabled=true": "kafka.sasl.enabled needs kafka.sasl.existingSecret",
    "kafka.sasl.enabled=true,kafka.sasl.mechanism=PLAIN": "PLAIN sends the password in clear",
    "kafka.tls.caSecret=ca": "have no effect without kafka.tls.enabled",
    "kafka.bootstrap=kafka": 'kafka.bootstrap: "kafka" is not host:port',
    r"kafka.options.sasl\.password=geheim": "kafka.options.sasl.password: security belongs to kafka.tls and kafka.sasl",
    "kafka.topics.create=strimzi": "needs kafka.topics.strimzi.cluster",
    "database.tls.mode=verify-full": "database.tls.mode=verify-full needs database.tls.caSecret",
    "objects.url=file:///objects": "it needs objects.existingClaim",
    "objects.existingClaim=c": "objects.url is s3://lineside: set it to file:///objects",
    "gpu.sharing=mig": "gpu.sharing=mig needs gpu.migProfile",
    "workers.inspect.settings.device=cuda": "set workers.inspect.gpu instead",
    "workers.inspect.autoscaling.enabled=true,workers.inspect.autoscaling.maxReplicas=30": "more than kafka.topics",
    "workers.store.replicas=25": "workers.store.replicas=25 is more than kafka.topics.partitions=24",
    "model.recipe=/weights/recipe.yaml": "model.weights.source=shipped mounts none",
    "model.weights.source=claim": "needs model.weights.existingClaim",
    "model.weights.source=copy": "needs model.weights.copy.from and model.weights.copy.files",
    "dashboard.replicas=2": "dashboard.replicas > 1 needs dashboard.sessionKey",
    "dashboard.ingress.enabled=true": "needs dashboard.ingress.host",
    "dashboard.gateway.enabled=true": "needs dashboard.gateway.name and dashboard.gateway.host",
    f"{LINE.format(0, 1)},{LINE.format(1, 1)}": "lines: the name press1 is there twice",
    f"{LINE.format(0, 1)},lines[0].config.broker.bootstrap=x": "lines.press1.config.broker: the chart sets it",
    f"{LINE.format(0, 1)},lines[0].watch.hostPath=/a,lines[0].watch.existingClaim=b": "one of them",
    f"{LINE.format(0, 1)},lines[0].config.security.pki=/tmp/pki": "below /spool/, e.g. /spool/pki",
    f"{LINE.format(0, 1)},lines[0].results.plc.security.pki=/spool/pki": "below /state/, e.g. /state/pki",
    f"{LINE.format(0, 1)},lines[0].config.plc.identity.password=x": "would lie in a ConfigMap",
    f"{LINE.format(0, 1)},lines[0].config.plc.identity.password_file=/etc/lineside/secret/plc": (
        "name a Secret in lines.press1.secret"
    ),
}


@pytest.mark.parametrize("values", MISFITS)
def test_values_that_do_not_fit_together_are_explained(values: str) -> None:
    with pytest.raises(RuntimeError, match="The values do not fit together:") as refused:
        template("--set", values)
    assert MISFITS[values] in str(refused.value)


def test_all_misfits_are_told_at_once() -> None:
    with pytest.raises(RuntimeError) as refused:
        template("--set", "gpu.sharing=mig,kafka.bootstrap=kafka,dashboard.replicas=2")
    assert str(refused.value).count("\n  - ") == 3


NEEDS = {
    "monitoring.podMonitor=true": "monitoring.coreos.com/v1",
    "monitoring.serviceMonitor=true": "monitoring.coreos.com/v1",
    "monitoring.prometheusRule=true": "monitoring.coreos.com/v1",
    "workers.store.autoscaling.enabled=true": "keda.sh/v1alpha1",
    "dashboard.gateway.enabled=true,dashboard.gateway.host=a,dashboard.gateway.name=b": "gateway.networking.k8s.io/v1",
    "kafka.topics.create=strimzi,kafka.topics.strimzi.cluster=a": "kafka.strimzi.io/v1",
}


@pytest.mark.parametrize("flag", NEEDS)
def test_a_flag_that_needs_an_operator_says_so_where_there_is_none(flag: str) -> None:
    with pytest.raises(RuntimeError, match=f"does not know {NEEDS[flag]}: .*install it, or turn the value off"):
        template("--set", flag, operators=())


def test_image_volumes_need_a_cluster_that_has_them() -> None:
    with pytest.raises(
        RuntimeError, match=r"needs Kubernetes 1\.33 \(image volumes\), this is v1\.31\.0: use claim or copy"
    ):
        template("--set", "model.weights.source=image,model.weights.image=a", version="1.31.0")
