"""The order in which a site ends, within ten seconds in total.

Whoever makes frames stops first, whoever writes rows last, so that what is on its way still arrives:
1 production · 2 files read · 3 connectors flushed · 4 ledger settled · 5 inspect · 6 everything else · 7 broker.
What does not arrive in time is not lost but for the embedded broker's memory: files stay, the spool is on disk.
"""

import time
from collections.abc import Callable
from typing import Final

from lineside.data_folder import DataFolder
from lineside.interruption import Interruption
from lineside.supervisor import Supervisor
from lineside.time_budget import TimeBudget
from storage.ledger import LedgerStore
from wire.errors import RetryLater

# One second below the ten that a person was promised: the ledger is read and printed after it.
_TOTAL_S: Final = 9.0
_POLL_S: Final = 0.1


def stop_in_order(
    supervisor: Supervisor,
    end_production: Callable[[], None],
    ledgers: LedgerStore,
    folder: DataFolder,
    interruption: Interruption,
) -> None:
    """Stop every child. A second signal meanwhile kills what still runs."""
    budget = TimeBudget(_TOTAL_S)
    names = [child.spec.name for child in supervisor.children]
    if not names:
        return

    def wait(condition: Callable[[], bool], share_s: float, *, keep_s: float) -> None:
        end_s = time.monotonic() + budget.at_most(share_s, keep_s=keep_s)
        while not interruption.impatient and time.monotonic() < end_s and not condition():
            time.sleep(_POLL_S)

    def stop(wanted: Callable[[str], bool], share_s: float, *, keep_s: float) -> None:
        chosen = [name for name in names if wanted(name)]
        if interruption.impatient:
            supervisor.kill_all()
        else:
            supervisor.stop(chosen, within_s=budget.at_most(share_s, keep_s=keep_s))

    def is_connector(name: str) -> bool:
        return name.startswith(("camera-", "opcua-", "replay-"))

    end_production()
    wait(lambda: not any((folder.root / "watch").rglob("*.json")), 1.5, keep_s=7.0)
    stop(is_connector, 2.5, keep_s=4.5)
    wait(lambda: _nothing_waits(ledgers), 2.0, keep_s=3.0)
    stop(lambda name: name == "inspect", 1.5, keep_s=1.5)
    stop(lambda name: name != "broker" and name != "inspect" and not is_connector(name), 2.0, keep_s=0.5)
    stop(lambda name: name == "broker", 0.5, keep_s=0.0)


def _nothing_waits(ledgers: LedgerStore) -> bool:
    try:
        return not ledgers.read().totals.waiting
    except RetryLater:
        return False
