"""What importing a room brings along."""

import json
import subprocess
import sys

import grimp

from tests.repository.checkout import REPOSITORY, ROOMS

HEAVY = ["aiokafka", "alembic", "fastapi", "faust", "nicegui", "open3d", "sqlalchemy", "torch", "torchvision"]
IMPORT_ALL = """
import importlib, json, pkgutil, sys, threading
for room in sys.argv[1:]:
    package = importlib.import_module(room)
    for module in pkgutil.walk_packages(package.__path__, room + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
json.dump({"modules": sorted(sys.modules), "threads": [thread.name for thread in threading.enumerate()]}, sys.stdout)
"""


def test_connectors_and_wire_import_neither_torch_nor_sql_nor_faust() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, "connectors", "wire"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    seen = json.loads(answer.stdout)
    assert {"connectors", "wire"} <= set(seen["modules"])
    assert [name for name in HEAVY if name in seen["modules"]] == []
    assert seen["threads"] == ["MainThread"], "importing a module starts nothing"


def test_serving_never_imports_training() -> None:
    graph = grimp.build_graph(*ROOMS, cache_dir=None)
    training = {module for module in graph.modules if module.startswith("models.train")}
    chains = [
        graph.find_shortest_chain(importer=room, imported=module, as_packages=True)
        for room in ("connectors", "dashboard", "stream")
        for module in training
    ]
    assert [chain for chain in chains if chain is not None] == []
