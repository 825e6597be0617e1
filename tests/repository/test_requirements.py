"""The pinned requirements: complete, hashed, and small where they must be."""

import re
import tomllib
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.repository.checkout import REPOSITORY

PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+) ?(?:; ([^\\]+))?", re.MULTILINE)
BINDING = {
    "asyncua",
    "confluent-kafka",
    "faust-streaming",
    "open-clip-torch",
    "open3d",
    "peft",
    "prometheus-client",
    "segment-anything",
    "sqlalchemy",
    "torch",
    "transformers",
}
NOT_ON_THE_EDGE = {
    "aiokafka",
    "alembic",
    "fastapi",
    "faust-streaming",
    "nicegui",
    "open3d",
    "psycopg",
    "sqlalchemy",
    "torch",
    "torchvision",
    "transformers",
}


def pins(name: str) -> dict[str, str]:
    """Return package → version of a requirements file, as far as its markers hold here."""
    found = PIN.findall((REPOSITORY / name).read_text())
    return {
        canonicalize_name(package): version
        for package, version, marker in found
        if not marker or Requirement(f"{package}; {marker}").marker.evaluate()  # type: ignore[union-attr]
    }


def project() -> dict[str, object]:
    return dict(tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"])


def declared() -> list[Requirement]:
    extras = project()["optional-dependencies"]
    assert isinstance(extras, dict)
    names = [*project()["dependencies"], *(each for extra in extras.values() for each in extra)]  # type: ignore[misc]
    return [requirement for name in names if (requirement := Requirement(name)).name != "lineside"]


def closure(*roots: str) -> set[str]:
    """Return the packages that installing `roots` brings, by the metadata of what is installed here."""
    found: set[str] = set()
    waiting = [(Requirement(root).name, tuple(Requirement(root).extras)) for root in roots]
    seen: set[tuple[str, tuple[str, ...]]] = set()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        found.add(canonicalize_name(name))
        for line in metadata.requires(name) or ():
            requirement = Requirement(line)
            if requirement.marker is None or any(
                requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras)
            ):
                waiting.append((requirement.name, tuple(sorted(requirement.extras))))
    return found


def test_every_declared_dependency_is_pinned_within_its_range() -> None:
    pinned = pins("requirements.txt")
    for requirement in declared():
        version = pinned.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement} is not in requirements.txt: run `make lock`"
        assert requirement.specifier.contains(version, prereleases=True), f"{requirement} is pinned to {version}"


def test_the_packages_the_product_is_built_on_are_declared_and_installed() -> None:
    assert {canonicalize_name(requirement.name) for requirement in declared()} >= BINDING
    for name in sorted(BINDING):
        assert metadata.version(name) == pins("requirements.txt")[name]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-edge.txt"])
def test_every_pin_has_a_hash_and_no_address(name: str) -> None:
    text = (REPOSITORY / name).read_text()
    entries = [entry for entry in re.split(r"\n(?=[A-Za-z0-9])", text) if not entry.startswith("#")]
    assert len(entries) == len(PIN.findall(text))
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "://" not in text
    assert "--index" not in text


def test_edge_requirements_are_a_part_of_all_and_hold_no_torch() -> None:
    edge = pins("requirements-edge.txt")
    assert edge.items() <= pins("requirements.txt").items()
    assert NOT_ON_THE_EDGE & set(edge) == set()


def test_edge_requirements_are_all_that_the_base_dependencies_bring() -> None:
    dependencies = project()["dependencies"]
    assert isinstance(dependencies, list)
    assert closure(*dependencies) == set(pins("requirements-edge.txt"))
