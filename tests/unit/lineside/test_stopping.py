"""The second Ctrl-C: whoever still runs is killed at once, whatever was on its way."""

import os
import signal
import sys
import time
from pathlib import Path

from lineside.child import ChildSpec
from lineside.data_folder import DataFolder
from lineside.interruption import Interruption
from lineside.stopping import stop_in_order
from lineside.supervisor import Supervisor
from storage.database import Database
from storage.ledger import LedgerStore
from storage.migrate import migrate
from tests.components.waiting import wait_until

STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
]


def test_an_impatient_person_waits_for_nobody(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    migrate(url)
    database = Database(url)
    supervisor = Supervisor(lambda _: None)
    for name in ("connector-line1", "inspect", "store", "broker"):
        supervisor.start(ChildSpec(name=name, command=STUBBORN, log=tmp_path / f"{name}.log"))
        wait_until(lambda log=tmp_path / f"{name}.log": "up" in log.read_text(), 20, "a child")
    pids = supervisor.pids()
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "unread.json").write_text("{}")  # an orderly end would wait for its reader

    with Interruption() as interruption:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        begun_s = time.monotonic()
        stop_in_order(supervisor, lambda: None, LedgerStore(database), DataFolder(root=tmp_path), interruption)

    assert time.monotonic() - begun_s < 1.5  # the first step alone would take as long
    assert len(pids) == 4
    assert supervisor.pids() == {}
    assert {child.last_exit for child in supervisor.children} == {-signal.SIGKILL}
    database.close()
