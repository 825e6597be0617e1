"""A pod of the rendered chart as a process on this machine: its command, variables and files, without a container.

Paths of its mounts lie below a folder, and its telemetry on a free port of the loopback address. Everything else is
what the chart says.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.chart.rendering import Manifest, environment, one, pods
from tests.components.child_process import ChildProcess
from tests.components.ports import free_port
from wire.probe import trouble

BIN = Path(__file__).resolve().parents[2] / ".venv" / "bin"
Secrets = Mapping[str, Mapping[str, str]]


class PodProcess(ChildProcess):
    """The one container of a pod. ``volumes``: folder of each volume that outlives a pod, by name of the volume.

    ``python_path``: a folder with another version of the product, in place of the checkout's.
    """

    def __init__(
        self,
        manifests: Sequence[Manifest],
        kind: str,
        name: str,
        *,
        folder: Path,
        secrets: Secrets,
        volumes: Mapping[str, Path] | None = None,
        pod_name: str | None = None,
        python_path: Path | None = None,
    ) -> None:
        self.name = pod_name or one(manifests, kind, name)["metadata"]["name"]
        self.telemetry = f"127.0.0.1:{free_port()}"
        self.folder = folder / self.name
        self.folder.mkdir(parents=True)
        (spec,) = [pod for _, pod in pods([one(manifests, kind, name)])]
        (container,) = spec["containers"]
        self.grace_s = int(spec.get("terminationGracePeriodSeconds", 30))
        self._mounts = self._mount(spec, container, volumes or {})
        self._write_files(spec, manifests, secrets)
        host, port = self.telemetry.split(":")
        variables = {
            variable: self._localised(self._valued(value, secrets))
            for variable, value in environment(container).items()
        }
        program, *arguments = map(self._localised, container["command"])
        super().__init__(
            [BIN / program, *arguments],
            log_path=self.folder / "log",
            environment={
                **variables, "LINESIDE_TELEMETRY__HOST": host, "LINESIDE_TELEMETRY__PORT": port,
                **({"PYTHONPATH": str(python_path)} if python_path else {}),
            },
            cwd=self.folder,
        )  # fmt: skip

    def log(self) -> str:
        """All that it said."""
        return self.log_path.read_text(errors="replace")

    def is_ready(self) -> bool:
        """What the readiness probe says; raises if the process ended."""
        self.ensure_alive()
        return trouble(f"{self.telemetry}/readyz") is None

    def terminate(self) -> None:
        """End it as Kubernetes does: SIGTERM, and SIGKILL after the pod's own time."""
        self.stop(deadline_s=self.grace_s)

    def _mount(self, spec: Manifest, container: Manifest, volumes: Mapping[str, Path]) -> dict[str, tuple[str, Path]]:
        """Mount path → volume and folder."""
        return {
            mount["mountPath"]: (mount["name"], volumes.get(mount["name"], self.folder / mount["name"]))
            for mount in container["volumeMounts"]
        }

    def _write_files(self, spec: Manifest, manifests: Sequence[Manifest], secrets: Secrets) -> None:
        sources = {volume["name"]: volume for volume in spec["volumes"]}
        for volume, target in self._mounts.values():
            target.mkdir(parents=True, exist_ok=True)
            source = sources.get(volume, {})
            content: Mapping[str, str] = {}
            if "configMap" in source:
                content = one(manifests, "ConfigMap", source["configMap"]["name"])["data"]
            elif "secret" in source:
                content = secrets[source["secret"]["secretName"]]
            for key, text in content.items():
                (target / key).write_text(self._localised(text))

    def _localised(self, text: str) -> str:
        """The text with mounted paths replaced by their folders, in one pass: a folder may contain another's path."""
        paths = "|".join(map(re.escape, sorted(self._mounts, key=len, reverse=True)))
        return re.sub(rf"(?<![\w.-])({paths})(?=[/\s\"']|$)", lambda found: str(self._mounts[found[0]][1]), text)

    def _valued(self, value: Any, secrets: Secrets) -> str:
        if isinstance(value, str):
            return value
        if "fieldRef" in value:
            return self.name
        reference = value["secretKeyRef"]
        return secrets[reference["name"]][reference["key"]]
