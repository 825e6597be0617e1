"""Which of a line's products a command means."""

from storage.database import Database
from storage.history import History
from storage.history_filter import HistoryFilter


def choose_product(database: Database, line: str, product: str | None) -> str:
    """``product`` if one was named, else the one that the line made last; empty for a line that made nothing yet."""
    if product is not None:
        return product
    newest = History(database).page(HistoryFilter(line=line), limit=1).items
    return newest[0].inspection.product if newest else ""
