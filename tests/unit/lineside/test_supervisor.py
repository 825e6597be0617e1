"""Real children, because what is tested is what the kernel does with them; each lives for a fraction of a second."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineside.child import ChildSpec, describe_exit
from lineside.supervisor import ChildFailed, Supervisor
from tests.components.waiting import wait_until

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
]


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def supervisor(told: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor(told.append)
    yield supervisor
    supervisor.kill_all()


def spec(tmp_path: Path, name: str = "child", command: list[str] | None = None, **more: object) -> ChildSpec:
    return ChildSpec(name=name, command=command or SLEEPER, log=tmp_path / f"{name}.log", **more)  # type: ignore[arg-type]


def is_up(log: Path) -> bool:
    return log.exists() and "up" in log.read_text()


def exists(pid: int) -> bool:
    """Whether the process runs (a zombie that nobody has waited for does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_killed_child_is_started_again_and_that_is_told(
    tmp_path: Path, supervisor: Supervisor, told: list[str]
) -> None:
    supervisor.start(spec(tmp_path))
    first = supervisor.pids()["child"]
    os.kill(first, signal.SIGKILL)

    def restarted() -> bool:
        supervisor.check()
        return supervisor.pids().get("child", first) != first

    wait_until(restarted, 10, "a new process")
    assert supervisor.restarts == 1
    assert told[0].startswith("child ended (killed by SIGKILL); next start in 0.5 s")
    assert told[1] == "child is started again (restart 1)"


def test_pauses_grow_while_a_child_keeps_ending(tmp_path: Path, supervisor: Supervisor, told: list[str]) -> None:
    supervisor.start(spec(tmp_path, command=[sys.executable, "-c", "raise SystemExit(3)"]))

    def ended_three_times() -> bool:
        supervisor.check()
        return sum("exit code 3" in text for text in told) >= 3

    wait_until(ended_three_times, 20, "three ends")
    assert [text.split("next start in ")[1].split(",")[0] for text in told if "next" in text] == ["0.5 s", "1 s", "2 s"]


def test_the_end_of_an_essential_child_ends_the_site_with_its_last_words(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    command = [sys.executable, "-c", "print('the disk is full'); raise SystemExit(1)"]
    supervisor.start(spec(tmp_path, name="broker", command=command, essential=True))

    def end() -> str | None:
        try:
            supervisor.check()
        except ChildFailed as error:
            return str(error)
        return None

    assert wait_until(end, 10, "the end of the child") == "broker ended (exit code 1)\nthe disk is full"


def test_whoever_does_not_stop_in_time_is_killed(tmp_path: Path, supervisor: Supervisor, told: list[str]) -> None:
    supervisor.start(spec(tmp_path, name="polite"))
    supervisor.start(spec(tmp_path, name="stubborn", command=STUBBORN))
    wait_until(lambda: is_up(tmp_path / "stubborn.log") and is_up(tmp_path / "polite.log"), 10, "both children")

    supervisor.stop(["polite", "stubborn"], within_s=0.5)

    assert supervisor.pids() == {}
    assert told == ["stubborn did not end within 0.5 s and is killed"]
    assert [child.last_exit for child in supervisor.children] == [-signal.SIGTERM, -signal.SIGKILL]


def test_children_die_with_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    script = textwrap.dedent(f"""
        import sys, time
        from pathlib import Path
        from lineside.child import ChildSpec
        from lineside.supervisor import Supervisor
        supervisor = Supervisor(print)
        supervisor.start(ChildSpec(name="child", command={SLEEPER!r}, log=Path({str(tmp_path / "child.log")!r})))
        print(supervisor.pids()["child"], flush=True)
        time.sleep(60)
    """)
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    with parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        wait_until(lambda: is_up(tmp_path / "child.log"), 10, "the child")
        parent.kill()

    wait_until(lambda: not exists(child), 5, "the end of the child")


def test_settings_of_the_person_do_not_leak_into_children(
    tmp_path: Path, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINESIDE_DATABASE", "sqlite:///elsewhere.db")
    command = [sys.executable, "-c", "import os; print(os.environ.get('LINESIDE_DATABASE'), os.environ['OWN'])"]
    supervisor.start(spec(tmp_path, command=command, environment={"OWN": "1"}))

    wait_until(lambda: (tmp_path / "child.log").read_text() == "None 1\n", 10, "the child's environment")


def test_exits_are_told_in_words() -> None:
    assert describe_exit(2) == "exit code 2"
    assert describe_exit(-9) == "killed by SIGKILL"
