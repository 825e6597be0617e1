"""The worker as a process of its own, with the shipped detector or another recipe."""

import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

from tests.components.child_process import ChildProcess
from wire.kafka.settings import KafkaSettings


def start_worker(
    folder: Path,
    database_url: str,
    broker: KafkaSettings,
    *,
    name: str,
    roles: str = "inspect,store",
    store: Mapping[str, float] | None = None,
    recipe: str = "embedded",
    recipe_changes: Mapping[str, str] | None = None,
) -> ChildProcess:
    """Start ``lineside worker``; its log is ``<name>.log`` in the folder, its settings ``<name>.yaml``."""
    config = folder / f"{name}.yaml"
    config.write_text(
        yaml.safe_dump(
            {
                "broker": broker.plain(),
                "database": database_url,
                "objects": f"file://{folder}/objects",
                "name": name,
                "log_json": False,
                "recipe": recipe,
                "recipe_changes": dict(recipe_changes or {}),
                "inspect": {"model_threads": 1, "idle_s": 1.0},
                "store": dict(store or {}),
            }
        )
    )
    return ChildProcess(
        [sys.executable, "-m", "lineside", "worker", "--roles", roles, "--config", config],
        log_path=folder / f"{name}.log",
    )
