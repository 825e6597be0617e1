"""What the Dockerfile does, done in a plain folder: its one install step, and what an image then holds."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import yaml
from packaging.utils import canonicalize_name

from tests.chart.rendering import REPOSITORY
from tests.components.fetched import run, uv
from tests.repository.checkout import ROOMS
from tests.repository.test_requirements import pins

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # a hundred packages are unpacked

DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()
STAGES = ("edge", "worker", "api")
SOAK = bool(os.environ.get("LINESIDE_SOAK"))
COMPILERS = ("gcc", "g++", "cc", "clang", "ld", "make", "nvcc")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A function that installs a stage as its Dockerfile does, once."""
    folder = tmp_path_factory.mktemp("images")
    tools = folder / "tools"
    run([uv(), "venv", "--quiet", tools])
    requirements = REPOSITORY / "requirements-image.txt"
    run([uv(), "pip", "install", "--quiet", "--python", tools / "bin/python", "--require-hashes", "-r", requirements])

    @cache
    def install(stage: str) -> Path:
        run([REPOSITORY / "image" / "install", stage, folder / stage, tools])
        return folder / stage

    return install


def ask(folder: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program of an image, as its user would: nothing of this checkout is in reach."""
    program, *arguments = command
    return subprocess.run(
        [folder / "bin" / program, *arguments],
        cwd=folder, capture_output=True, text=True, check=False,
        env={"PATH": f"{folder}/bin:/usr/bin:/bin", **environment},
    )  # fmt: skip


def modules(folder: Path, *names: str) -> list[str]:
    """Which of these can be imported there."""
    script = "import sys; from importlib.util import find_spec; print(*[n for n in sys.argv[1:] if find_spec(n)])"
    return ask(folder, "python", "-c", script, *names).stdout.split()


def bill(folder: Path) -> dict[str, str]:
    """Name → version of what the image's list of content (CycloneDX) names."""
    content = json.loads((folder / "sbom.cdx.json").read_text())
    assert content["bomFormat"] == "CycloneDX"
    return {canonicalize_name(each["name"]): each["version"] for each in content["components"]}


@pytest.mark.skipif(
    not SOAK, reason="tests/chart/test_bundle.py installs the same: LINESIDE_SOAK=1, as `make soak` does"
)
def test_the_edge_image_publishes_and_holds_nothing_that_computes(installed: Callable[[str], Path]) -> None:
    folder = installed("edge")

    assert modules(folder, "connectors", "wire", "confluent_kafka", "asyncua", "torch", "sqlalchemy", "faust") == [
        "connectors", "wire", "confluent_kafka", "asyncua"
    ]  # fmt: skip
    for kind in ("line", "camera", "opcua", "replay"):
        sample = REPOSITORY / "connectors" / kind / f"{kind}.yaml"
        answer = ask(folder, "python", "-m", "connectors", kind, "--config", str(sample), "--check")
        assert answer.returncode == 0, answer.stderr
    assert ask(folder, "python", "-m", "wire.probe", "127.0.0.1:1/livez").returncode == 1
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    assert size < 600 << 20


def test_the_api_image_migrates_and_serves_without_torch(installed: Callable[[str], Path], tmp_path: Path) -> None:
    folder = installed("api")

    assert modules(folder, "dashboard", "sqlalchemy", "fastapi", "nicegui", "torch", "faust") == [
        "dashboard", "sqlalchemy", "fastapi", "nicegui"
    ]  # fmt: skip
    url = f"sqlite:///{tmp_path}/a.db"
    migrated = ask(folder, "lineside", "migrate", LINESIDE_DATABASE=url)
    assert migrated.returncode == 0, migrated.stderr
    settings = tmp_path / "dashboard.yaml"
    settings.write_text(yaml.safe_dump({
        "database": url, "objects": f"file://{tmp_path}/objects", "broker": {"bootstrap": "127.0.0.1:9092"},
        "host": "0.0.0.0",
    }))  # fmt: skip
    refused = ask(folder, "lineside", "dashboard", "--config", str(settings))
    assert "can be reached from other machines, but there are no API keys" in refused.stderr
    # As in a pod: the process's own file says where the site is, and neither worker nor pages are imported for it.
    ledger = ask(folder, "lineside", "ledger", LINESIDE_CONFIG=str(settings))
    assert ledger.returncode == 0, ledger.stderr
    for command in ("topics", "retention", "ledger"):
        assert ask(folder, "lineside", command, "--help").returncode == 0


@pytest.mark.skipif(
    not os.environ.get("LINESIDE_SOAK"), reason="3 GB are unpacked: LINESIDE_SOAK=1, as `make soak` does"
)
def test_the_worker_image_loads_its_detector(installed: Callable[[str], Path]) -> None:
    folder = installed("worker")

    assert modules(folder, "torch", "faust", "open3d", "open_clip", "pytest", "nicegui") == [
        "torch", "faust", "open3d", "open_clip"
    ]  # fmt: skip
    script = "from models.recipes.loader import load_inspector; print(load_inspector('embedded').recipe)"
    answer = ask(folder, "python", "-c", script)
    assert answer.stdout.strip() == "embedded", answer.stderr
    assert ask(folder, "lineside", "weights", "--help").returncode == 0


@pytest.mark.parametrize("stage", STAGES if SOAK else ["api"])
def test_an_images_list_of_content_names_every_pin_and_the_product(
    stage: str, installed: Callable[[str], Path]
) -> None:
    assert bill(installed(stage)) == {**pins(f"requirements-{stage}.txt"), "lineside": "0.1.0"}


@pytest.mark.parametrize("stage", STAGES if SOAK else ["api"])
def test_no_compiler_comes_along(stage: str, installed: Callable[[str], Path]) -> None:
    programs = {path.name for path in (installed(stage) / "bin").iterdir()}

    assert programs & {*COMPILERS, "pip", "uv", "hatchling", "cyclonedx-py"} == set()


def test_every_image_runs_as_a_user_without_rights_and_says_how_it_is() -> None:
    base, *stages = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[-4:]

    assert base.startswith("${PYTHON} AS base")
    assert 'CMD ["python", "-m", "wire.probe", "127.0.0.1:9100/livez"]' in base
    assert "org.opencontainers.image.revision" in base
    assert [stage.splitlines()[0] for stage in stages] == ["base AS edge", "base AS api", "base AS worker"]
    for stage in stages:
        assert "\nUSER 10001:10001\nCMD [" in stage
        assert "build-essential" not in stage


def test_the_dockerfile_installs_by_the_step_that_is_tested_here() -> None:
    for stage in STAGES:
        assert f"FROM tools AS {stage}-environment\nRUN image/install {stage} /opt/lineside /opt/tools\n" in DOCKERFILE
    context = {
        line.removeprefix("!") for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    assert {"image", "pyproject.toml", "README.md", "requirements-*.txt", *ROOMS} <= context
    built = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {Path(path).parts[0] for path in built.get("force-include", {})} <= context


def test_a_stage_that_is_not_known_is_named(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    with pytest.raises(RuntimeError, match=r"there is no requirements-gpu\.txt; stages are edge, worker and api"):
        run([REPOSITORY / "image" / "install", "gpu", tmp_path / "gpu", tmp_path / "tools"])


def test_the_wheel_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    wheels = []
    for name in ("first", "second"):
        run(
            [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path / name],
            environment={"SOURCE_DATE_EPOCH": "315532800"}, cwd=REPOSITORY,
        )  # fmt: skip
        (wheel,) = (tmp_path / name).glob("*.whl")
        wheels.append(wheel.read_bytes())
    assert wheels[0] == wheels[1]
