"""The review queue: parts that still wait for a person's answer."""

from collections.abc import Sequence
from dataclasses import replace

from dashboard.command_desk import CommandDesk
from storage.commands import CommandStatus, CommandStore
from storage.history import History, HistoryPage
from storage.history_filter import HistoryFilter
from storage.stored_inspection import StoredInspection
from wire.finding import Verdict

# More than a shift answers: beyond it "many" is all that matters, and counting on would cost more and more.
COUNTED = 1000


class ReviewQueue:
    """Flagged parts without an answer; and good ones, for whoever looks for the defect that was missed."""

    def __init__(self, *, history: History, commands: CommandStore, desk: CommandDesk) -> None:
        self._history = history
        self._commands = commands
        self._desk = desk

    def page(
        self, line: str | None, *, verdict: Verdict = Verdict.DEFECT, limit: int, cursor: str | None = None
    ) -> HistoryPage:
        """Parts of a verdict that nobody has answered, newest first, without those whose answer is under way.

        A page may therefore be shorter than ``limit`` and still have a next one. DecodeError if ``cursor`` is not one.
        """
        wanted = HistoryFilter(line=line, verdict=verdict, answered=False)
        page = self._history.page(wanted, limit=limit, cursor=cursor)
        return replace(page, items=self._without_answered(page.items))

    def waiting(self, line: str | None = None) -> int:
        """How many flagged parts nobody has answered; ``COUNTED`` means that many or more."""
        return self._history.count(HistoryFilter(line=line, verdict=Verdict.DEFECT, answered=False), COUNTED)

    def _without_answered(self, items: Sequence[StoredInspection]) -> list[StoredInspection]:
        answers = self._desk.answers()

        def waits(item: StoredInspection) -> bool:
            answer = answers.get(item.inspection.inspection_id)
            if answer is None:
                return True
            stored = self._commands.get(answer.command_id)
            return stored is not None and stored.status is CommandStatus.FAILED

        return [item for item in items if waits(item)]
