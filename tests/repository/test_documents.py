"""Documents name what exists, and the commands that they mark as tested run.

A fenced block is run when the line before it is `<!-- tested -->`. In a `console` block the lines after `$ ` are
commands; a `bash` block is a script.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

from tests.repository.checkout import REPOSITORY, repository_files, text_of

TESTED_BLOCK = re.compile(r"^<!-- tested -->\n+```(console|bash)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
CODE_SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
PLAIN_PATH = re.compile(r"[A-Za-z0-9._/-]+")
# A name without a folder counts as a path of the repository only if it is a document or a program.
ROOT_FILE = re.compile(r"[A-Za-z][\w.-]*\.(md|py|toml)")


@dataclass(frozen=True)
class Block:
    """One tested block: the document and line where it stands, and its commands."""

    place: str
    script: str


def documents() -> list[Path]:
    return [path for path in repository_files() if path.suffix == ".md" and "cases" not in path.parts]


def known_paths() -> set[PurePosixPath]:
    files = {PurePosixPath(path.as_posix()) for path in repository_files()}
    return files | {parent for path in files for parent in path.parents}


def named_paths(document: Path) -> list[PurePosixPath]:
    """Return the paths that a document's code spans and links name, relative to the root of the repository."""
    text = FENCED.sub("", text_of(document) or "")
    top = {path.parts[0] for path in repository_files()}
    folder = PurePosixPath(document.parent.as_posix())
    found = []
    for span in CODE_SPAN.findall(text):
        if not PLAIN_PATH.fullmatch(span):
            continue
        path = PurePosixPath(span)
        if (len(path.parts) > 1 and path.parts[0] in top) or ROOT_FILE.fullmatch(span):
            found.append(path if path in known_paths() else folder / path)
    for target in LINK.findall(text):
        if "://" not in target and not target.startswith(("#", "mailto:")):
            found.append(PurePosixPath(os.path.normpath(folder / target.split("#")[0])))
    return found


def blocks_to_run() -> list[Block]:
    blocks = []
    for document in documents():
        text = text_of(document) or ""
        for match in TESTED_BLOCK.finditer(text):
            language, body = match.groups()
            commands = [line[2:] for line in body.splitlines() if line.startswith("$ ")]
            line = text.count("\n", 0, match.start()) + 1
            blocks.append(Block(f"{document}:{line}", "\n".join(commands) if language == "console" else body))
    return blocks


def test_paths_that_documents_name_exist() -> None:
    known = known_paths()
    named = [(document, path) for document in documents() for path in named_paths(document)]
    assert [f"{document}: {path}" for document, path in named if path not in known] == []


@pytest.mark.slow
@pytest.mark.timeout(400)  # the README's first run starts a whole site
@pytest.mark.parametrize("block", [pytest.param(block, id=block.place) for block in blocks_to_run()])
def test_marked_commands_run(block: Block, tmp_path: Path) -> None:
    """Run the commands as a reader would, in a copy of the checkout by links that keeps what they write."""
    for entry in REPOSITORY.iterdir():
        if entry.name != ".git":
            (tmp_path / entry.name).symlink_to(entry)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    answer = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.script],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, f"{block.place}: status {answer.returncode}\n{answer.stdout}\n{answer.stderr}"


@pytest.mark.skipif(not (REPOSITORY / "lineside/cli.py").exists(), reason="the command line is not written yet")
def test_command_line_explains_itself() -> None:
    answer = subprocess.run(
        [Path(sys.executable).parent / "lineside", "--help"], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert "up" in answer.stdout


def test_make_lists_its_targets() -> None:
    answer = subprocess.run(["make"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    for target in ("setup", "run", "test", "system", "kafka", "soak", "lint", "format", "lock", "clean"):
        assert f"make {target} " in answer
