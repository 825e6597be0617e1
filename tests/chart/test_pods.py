"""What runs: as little as possible allowed, alive when it works, and with time to end."""

import pytest
import yaml

from lineside.cli import build_app
from tests.chart.rendering import SAMPLES, containers, environment, one, pods, render

ROLES = ("inspect", "describe", "store", "build")


@pytest.mark.parametrize("sample", SAMPLES)
def test_no_pod_may_do_more_than_it_needs(sample: str) -> None:
    found = dict(pods(render(sample=sample)))
    assert len(found) >= 8

    for name, pod in found.items():
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["enableServiceLinks"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["runAsUser"] == 10001, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}
            }, name  # fmt: skip
            assert container["resources"]["limits"]["memory"], name
            assert container["resources"]["requests"]["cpu"], name
            assert {"name": "tmp", "mountPath": "/tmp"} in container["volumeMounts"], name
            assert container["workingDir"] == "/tmp", name


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_mount_has_its_volume(sample: str) -> None:
    for name, pod in pods(render(sample=sample)):
        volumes = [volume["name"] for volume in pod["volumes"]]
        assert len(volumes) == len(set(volumes)), name
        mounted = {mount["name"] for container in containers(pod) for mount in container["volumeMounts"]}
        assert mounted - {"spool", "state"} == set(volumes), name


@pytest.mark.parametrize("sample", SAMPLES)
def test_no_secret_stands_in_clear(sample: str) -> None:
    manifests = render(sample=sample)

    for manifest in manifests:
        text = yaml.safe_dump(manifest.get("data", {})) + yaml.safe_dump(manifest.get("stringData", {}))
        assert "password" not in text.lower().replace("password_file", ""), manifest["metadata"]["name"]
    for name, pod in pods(manifests):
        for container in containers(pod):
            for variable, value in environment(container).items():
                if any(word in variable for word in ("PASSWORD", "SECRET", "ACCESS_KEY", "DATABASE")):
                    assert "secretKeyRef" in value, f"{name}: {variable}"
    secrets = [each for each in manifests if each["kind"] == "Secret"]
    assert all("data" not in secret and set(secret["stringData"]) == {"username"} for secret in secrets)


@pytest.mark.parametrize("sample", SAMPLES)
def test_everything_that_stays_is_watched(sample: str) -> None:
    staying = {name: pod for name, pod in pods(render(sample=sample)) if name.startswith(("Deployment", "StatefulSet"))}

    for name, pod in staying.items():
        (container,) = pod["containers"]
        startup, liveness, readiness = (container[f"{kind}Probe"] for kind in ("startup", "liveness", "readiness"))
        assert startup["periodSeconds"] * startup["failureThreshold"] == 600, name
        assert liveness["httpGet"] == startup["httpGet"] == {"path": "/livez", "port": "metrics"}, name
        assert liveness["periodSeconds"] * liveness["failureThreshold"] == 60, name
        assert readiness["httpGet"] == {"path": "/readyz", "port": "metrics"}, name
        assert {"name": "metrics", "containerPort": 9100} in container["ports"], name


def test_what_the_pods_run_are_commands_of_the_product() -> None:
    known = {command.callback.__name__ for command in build_app().registered_commands if command.callback}

    for name, pod in pods(render(sample="many-lines")):
        for container in containers(pod):
            program, *rest = container["command"]
            if program == "lineside":
                assert rest[0] in known, name
                assert container["image"].endswith(("/worker:0.1.0", "/api:0.1.0")), name
            else:
                assert container["command"][:3] in (
                    ["python", "-m", "connectors"], ["python", "-m", "wire.probe"]
                ), name  # fmt: skip
                assert container["image"].endswith("/edge:0.1.0"), name


@pytest.mark.parametrize("role", ROLES)
def test_a_worker_is_named_after_its_pod_and_has_time_to_end(role: str) -> None:
    pod = one(render(f"workers.{role}.longestBatchSeconds=75"), "Deployment", role)["spec"]["template"]["spec"]

    assert pod["terminationGracePeriodSeconds"] == 85
    assert environment(pod["containers"][0])["LINESIDE_NAME"] == {"fieldRef": {"fieldPath": "metadata.name"}}


def test_without_a_gpu_a_new_worker_comes_before_an_old_one_goes_and_with_one_after() -> None:
    on_cpu = one(render(), "Deployment", "inspect")["spec"]["strategy"]["rollingUpdate"]
    on_gpu = one(render("workers.inspect.gpu=true"), "Deployment", "inspect")["spec"]["strategy"]["rollingUpdate"]

    assert on_cpu == {"maxSurge": 1, "maxUnavailable": 0}
    assert on_gpu == {"maxSurge": 0, "maxUnavailable": 1}


@pytest.mark.parametrize(
    ("values", "resource"),
    [
        ("gpu.sharing=whole", "nvidia.com/gpu"),
        ("gpu.sharing=mig,gpu.migProfile=1g.10gb", "nvidia.com/mig-1g.10gb"),
        ("gpu.sharing=shared", "nvidia.com/gpu.shared"),
        ("gpu.sharing=shared,gpu.sharedResource=nvidia.com/gpu", "nvidia.com/gpu"),
    ],
)
def test_a_worker_gets_the_gpu_that_the_values_name(values: str, resource: str) -> None:
    manifests = render(f"workers.inspect.gpu=true,{values}")
    pod = one(manifests, "Deployment", "inspect")["spec"]["template"]["spec"]

    assert pod["containers"][0]["resources"]["limits"] == {"memory": "4Gi", resource: 1}
    assert pod["runtimeClassName"] == "nvidia"
    assert pod["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    assert {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"} in pod["tolerations"]
    assert {"name": "shared-memory", "mountPath": "/dev/shm"} in pod["containers"][0]["volumeMounts"]
    for role in ("describe", "store", "build"):
        other = one(manifests, "Deployment", role)["spec"]["template"]["spec"]
        assert "runtimeClassName" not in other
        assert list(other["containers"][0]["resources"]["limits"]) == ["memory"]


def test_weights_come_from_a_claim_an_image_or_a_checked_copy() -> None:
    def volume(values: str) -> dict:
        manifests = render(values)
        pod = one(manifests, "Deployment", "inspect")["spec"]["template"]["spec"]
        assert {"name": "weights", "mountPath": "/weights", "readOnly": True} in pod["containers"][0]["volumeMounts"]
        store = one(manifests, "Deployment", "store")["spec"]["template"]["spec"]
        assert "weights" not in [each["name"] for each in store["volumes"]]
        return {"pod": pod, **next(each for each in pod["volumes"] if each["name"] == "weights")}

    claim = volume("model.weights.source=claim,model.weights.existingClaim=w")
    image = volume("model.weights.source=image,model.weights.image=plant/weights:7")
    copied = volume(
        f"model.weights.source=copy,model.weights.copy.from=s3://w,model.weights.copy.files.bank\\.st={'ab' * 32}"
    )

    assert claim["persistentVolumeClaim"] == {"claimName": "w", "readOnly": True}
    assert image["image"] == {"reference": "plant/weights:7", "pullPolicy": "IfNotPresent"}
    assert copied["emptyDir"] == {"sizeLimit": "20Gi"}
    (before,) = copied["pod"]["initContainers"]
    assert before["command"] == ["lineside", "weights", "--from", "s3://w", "--to", "/weights"]
    assert before["args"] == [f"bank.st={'ab' * 32}"]


def test_a_connector_is_never_there_twice_and_keeps_its_spool() -> None:
    connector = one(render(sample="plant"), "StatefulSet", "connector-press3")["spec"]

    assert connector["replicas"] == 1
    (claim,) = connector["volumeClaimTemplates"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "10Gi"
    mounts = connector["template"]["spec"]["containers"][0]["volumeMounts"]
    assert {"name": "spool", "mountPath": "/spool"} in mounts
    assert {"name": "watch", "mountPath": "/watch"} in mounts


def test_a_changed_setting_starts_the_pods_that_read_it_anew() -> None:
    def checksums(*sets: str) -> dict[str, str]:
        return {
            each["metadata"]["name"]: each["spec"]["template"]["metadata"]["annotations"]["checksum/config"]
            for each in render(*sets, sample="plant")
            if each["kind"] in ("Deployment", "StatefulSet")
        }

    before, after = checksums(), checksums("workers.inspect.settings.max_batch=16")
    assert before["plant-lineside-inspect"] != after["plant-lineside-inspect"]
    assert before["plant-lineside-connector-press3"] == after["plant-lineside-connector-press3"]


def test_a_pods_disruption_never_takes_two_of_a_kind() -> None:
    budgets = [each for each in render(sample="many-lines") if each["kind"] == "PodDisruptionBudget"]

    assert sorted(each["metadata"]["labels"]["app.kubernetes.io/component"] for each in budgets) == sorted(
        [*ROLES, "dashboard"]
    )
    assert all(each["spec"]["maxUnavailable"] == 1 for each in budgets)
