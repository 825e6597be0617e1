"""The status of a running site, in one line."""

from collections.abc import Collection

from lineside.status_line import StatusLine
from lineside.summary import RunSummary
from wire.errors import DatabaseUnavailable
from wire.finding import Verdict


class Progress:
    """Reads the figures of the run and shows them."""

    def __init__(self, summary: RunSummary, status: StatusLine) -> None:
        self._summary = summary
        self._status = status

    def show(self, streamed_s: float, *, learning: Collection[str] = ()) -> None:
        """Show parts and defects per line; the last figures stay while the database is away."""
        try:
            verdicts = self._summary.verdicts()
        except DatabaseUnavailable:
            return
        lines = [
            f"{line.rsplit('.', 1)[-1]}: {sum(counts.values())} parts, "
            + ("learning" if line in learning else f"{counts[Verdict.DEFECT]} flagged")
            for line, counts in verdicts.items()
        ]
        self._status.show(f"{streamed_s:.0f} s · " + " · ".join(lines))
