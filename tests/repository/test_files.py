"""What may lie in the repository, and what may stand in it."""

import re
from pathlib import Path

from tests.repository.checkout import REPOSITORY, ROOMS, repository_files, text_of

LARGEST_FILE_BYTES = 20_000_000
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "core", "misc", "manager"}
# Written so that this file does not contain what it looks for.
REGISTRY_HOSTS = re.compile(
    r"pypi\.org|pythonhosted\.org|npmjs\.(org|com)|maven\.apache\.org|maven\.org|golang\.org|crates\.io|download\.pytorch\.org"
    r"|deb\.debian\.org|archive\.ubuntu\.com|conda\.anaconda\.org"
)
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b|Not" r"ImplementedError")


def matches(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    return [
        f"{path}:{number}: {line.strip()[:120]}"
        for path in paths
        for number, line in enumerate((text_of(path) or "").splitlines(), start=1)
        if pattern.search(line)
    ]


def test_no_file_is_larger_than_twenty_megabytes() -> None:
    sizes = {path: (REPOSITORY / path).stat().st_size for path in repository_files()}
    assert {str(path): size for path, size in sizes.items() if size > LARGEST_FILE_BYTES} == {}


def test_no_file_names_a_package_registry() -> None:
    assert matches(REGISTRY_HOSTS, list(repository_files())) == []


def test_no_lock_file_that_records_an_index() -> None:
    recording = {"uv.lock", "package-lock.json", "yarn.lock", "poetry.lock"}
    assert [str(path) for path in repository_files() if path.name in recording] == []


def test_nothing_is_left_for_later() -> None:
    sources = [path for path in repository_files() if path.suffix in {".py", ".js", ".css", ".html", ".md", ".yaml"}]
    assert matches(UNFINISHED, sources) == []


def test_modules_are_named_for_what_they_hold() -> None:
    modules = [path for path in repository_files() if path.suffix == ".py"]
    named = [str(path) for path in modules if NAMES_THAT_SAY_NOTHING & {path.stem, *path.parent.parts}]
    assert named == []


def test_rooms_are_packages_with_a_docstring() -> None:
    for path in repository_files():
        # Alembic runs the files of its folder by path; they are no modules.
        if path.suffix == ".py" and path.parts[0] in ROOMS and "migrations" not in path.parts:
            package = REPOSITORY / path.parent / "__init__.py"
            assert package.is_file(), f"{path} lies in a folder without __init__.py"
            assert package.read_text().lstrip().startswith('"""'), f"{path.parent} has no docstring"
