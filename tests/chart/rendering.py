"""What Helm makes of the chart, as objects that a test can look into."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.components.chart_tools import KUBERNETES, helm

REPOSITORY = Path(__file__).resolve().parents[2]
CHART = REPOSITORY / "helm" / "lineside"
SAMPLES = tuple(sorted(path.stem for path in (CHART / "samples").glob("*.yaml")))
OPERATORS = (
    "monitoring.coreos.com/v1", "keda.sh/v1alpha1", "kafka.strimzi.io/v1", "kafka.strimzi.io/v1beta2",
    "gateway.networking.k8s.io/v1",
)  # fmt: skip

Manifest = dict[str, Any]


@cache
def template(
    *arguments: str, sample: str | None = None, operators: Sequence[str] = OPERATORS, version: str = KUBERNETES
) -> str:
    """The text that Helm renders, on a cluster of a version that knows some operators. RuntimeError if it refuses."""
    values = () if sample is None else ("--values", str(CHART / "samples" / f"{sample}.yaml"))
    known = [part for name in operators for part in ("--api-versions", name)]
    return helm(
        "template", "plant", CHART, "--namespace", "factory", "--kube-version", version, *values, *known, *arguments
    )


def render(*sets: str, sample: str | None = None) -> list[Manifest]:
    """Every object, with values set as ``--set`` takes them."""
    text = template(*(part for one in sets for part in ("--set", one)), sample=sample)
    return [document for document in yaml.safe_load_all(text) if document]


def render_values(values: Mapping[str, Any]) -> list[Manifest]:
    """Every object, with values of a file."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(dict(values), file)
        file.flush()
        return [document for document in yaml.safe_load_all(template("--values", file.name)) if document]


def one(manifests: Sequence[Manifest], kind: str, name: str) -> Manifest:
    """The object of a kind whose name ends with ``name``."""
    found = [each for each in manifests if each["kind"] == kind and each["metadata"]["name"].endswith(name)]
    assert len(found) == 1, (
        f"{kind} …{name}: {[each['metadata']['name'] for each in manifests if each['kind'] == kind]}"
    )
    return found[0]


def pods(manifests: Sequence[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Name and pod spec of everything that runs."""
    for manifest in manifests:
        name = f"{manifest['kind']} {manifest['metadata']['name']}"
        match manifest["kind"]:
            case "Pod":
                yield name, manifest["spec"]
            case "CronJob":
                yield name, manifest["spec"]["jobTemplate"]["spec"]["template"]["spec"]
            case "Deployment" | "StatefulSet" | "Job":
                yield name, manifest["spec"]["template"]["spec"]


def containers(pod: Manifest) -> list[Manifest]:
    """Those that come first and those that stay."""
    return [*pod.get("initContainers", []), *pod["containers"]]


def environment(container: Manifest) -> dict[str, Any]:
    """Name → value, or where the value is taken from."""
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container.get("env", [])}
