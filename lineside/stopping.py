"""The order in which a site ends, within ten seconds in total.

Whoever makes frames stops first, whoever writes rows last, so that what is on its way still arrives:
1 production · 2 files read · 3 connectors flushed · 4 ledger settled · 5 inspect · 6 verdicts to the PLC · 7 store ·
8 broker. Whoever is not needed any more is asked to end meanwhile.
What does not arrive in time is not lost but for the embedded broker's memory: files stay, the spool is on disk.
"""

import time
from collections.abc import Callable, Sequence
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

    def stop(chosen: Sequence[str], share_s: float, *, keep_s: float) -> None:
        if interruption.impatient:
            supervisor.kill_all()
        else:
            supervisor.stop(chosen, within_s=budget.at_most(share_s, keep_s=keep_s))

    end_production()
    wait(lambda: not any((folder.root / "watch").rglob("*.json")), 1.5, keep_s=7.5)
    stop([name for name in names if name.startswith("connector-")], 3.0, keep_s=4.5)
    # The PLC stays for as long as verdicts are written to it.
    supervisor.ask_to_stop(["build", "dashboard", *(["plant"] if "results" not in names else [])])
    wait(lambda: _nothing_waits(ledgers), 2.0, keep_s=3.0)
    stop(["inspect"], 1.5, keep_s=1.5)
    stop(["results"], 1.0, keep_s=2.5)
    stop(["store", "describe", "plant", "build", "dashboard"], 2.0, keep_s=1.0)
    stop(["broker"], 1.0, keep_s=0.0)


def _nothing_waits(ledgers: LedgerStore) -> bool:
    try:
        return not ledgers.read().totals.waiting
    except RetryLater:
        return False
