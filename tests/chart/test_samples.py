"""Each sample and each flag alone renders, and the API server would take what comes out."""

from pathlib import Path

import pytest

from tests.chart.rendering import CHART, REPOSITORY, SAMPLES, template
from tests.components.chart_tools import helm, kubeconform

# The first time, kubeconform is compiled: half a minute of two idle cores, with Go's own library.
pytestmark = pytest.mark.timeout(400)

KAFKA = "kafka.sasl.username=lineside,kafka.sasl.existingSecret=lineside"
FLAGS = {
    "no values": "image.tag=",
    "kafka over TLS": "kafka.tls.enabled=true,kafka.tls.caSecret=ca",
    "kafka with a client certificate": "kafka.tls.enabled=true,kafka.tls.caSecret=ca,kafka.tls.clientSecret=client",
    "kafka with a password": f"kafka.sasl.enabled=true,{KAFKA}",
    "topics of Strimzi": "kafka.topics.create=strimzi,kafka.topics.strimzi.cluster=plant",
    "topics of an older Strimzi": "kafka.topics.create=strimzi,kafka.topics.strimzi.cluster=plant,"
    "kafka.topics.strimzi.apiVersion=kafka.strimzi.io/v1beta2",
    "no topics": "kafka.topics.create=none",
    "database over TLS": "database.tls.mode=verify-full,database.tls.caSecret=ca",
    "objects with a password": "objects.existingSecret=objects,objects.env.AWS_ENDPOINT_URL=https://s3.plant",
    "objects in a claim": "objects.url=file:///objects,objects.existingClaim=objects",
    "a GPU": "workers.inspect.gpu=true",
    "a slice of a GPU": "workers.inspect.gpu=true,gpu.sharing=mig,gpu.migProfile=1g.10gb",
    "a shared GPU": "workers.inspect.gpu=true,gpu.sharing=shared",
    "weights of a claim": "model.weights.source=claim,model.weights.existingClaim=weights",
    "weights of an image": "model.weights.source=image,model.weights.image=plant/weights:7",
    "weights that are copied": "model.weights.source=copy,model.weights.copy.from=s3://weights,"
    f"model.weights.copy.files.a={'0' * 64}",
    "autoscaling": "workers.inspect.autoscaling.enabled=true",
    "autoscaling with a password": f"workers.inspect.autoscaling.enabled=true,kafka.sasl.enabled=true,{KAFKA}",
    "an ingress": "dashboard.ingress.enabled=true,dashboard.ingress.host=lineside.plant",
    "a gateway": "dashboard.gateway.enabled=true,dashboard.gateway.host=lineside.plant,dashboard.gateway.name=plant",
    "two dashboards": "dashboard.replicas=2,dashboard.sessionKey=session,dashboard.stickySessions=true",
    "a PodMonitor": "monitoring.podMonitor=true",
    "a ServiceMonitor": "monitoring.serviceMonitor=true",
    "alerts": "monitoring.prometheusRule=true",
    "dashboards for Grafana": "monitoring.grafanaDashboards=true",
    "no network policy": "networkPolicy.enabled=false",
    "a narrow network": "networkPolicy.to={10.30.0.0/16},networkPolicy.pageNamespace.name=ingress",
    "no migration": "migration.enabled=false",
    "no retention": "retention.enabled=false",
    "no service account": "serviceAccount.create=false",
    "a private registry": "image.registry=registry.plant/lineside,image.pullSecrets={registry}",
}


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_is_accepted(sample: str, tmp_path: Path) -> None:
    helm("lint", "--strict", CHART, "--values", CHART / "samples" / f"{sample}.yaml")

    assert "Invalid: 0, Errors: 0, Skipped: 0" in kubeconform(template(sample=sample), folder=tmp_path)


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag_alone_is_accepted(flag: str, tmp_path: Path) -> None:
    helm("lint", "--strict", CHART, "--set", FLAGS[flag])

    assert "Invalid: 0, Errors: 0, Skipped: 0" in kubeconform(template("--set", FLAGS[flag]), folder=tmp_path)


def test_what_the_api_server_would_refuse_is_found(tmp_path: Path) -> None:
    text = template(sample="many-lines")

    with pytest.raises(RuntimeError, match=r"ScaledObject plant-lineside-inspect is invalid.*minReplicas"):
        kubeconform(text.replace("minReplicaCount:", "minReplicas:"), folder=tmp_path)
    with pytest.raises(RuntimeError, match=r"Deployment plant-lineside-inspect is invalid"):
        kubeconform(text.replace("terminationGracePeriodSeconds: 100", "terminationGracePeriod: 100"), folder=tmp_path)


def test_the_chart_is_of_the_version_of_the_product() -> None:
    project = (REPOSITORY / "pyproject.toml").read_text().split('version = "')[1].split('"')[0]
    chart = (CHART / "Chart.yaml").read_text()
    assert f"\nversion: {project}\n" in chart
    assert f"\nappVersion: {project}\n" in chart
