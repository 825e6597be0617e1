"""One page of the review queue, and the part that is being looked at."""

from collections.abc import Sequence
from uuid import UUID

from storage.stored_inspection import StoredInspection


class ReviewList:
    """Parts, newest first. The chosen one stays until it is left, whatever comes or goes meanwhile.

    Otherwise an answer could reach a part that came under the operator's eyes in the moment of the answer.
    """

    def __init__(self) -> None:
        self.items: Sequence[StoredInspection] = ()
        self.chosen: StoredInspection | None = None

    def show(self, items: Sequence[StoredInspection]) -> None:
        """Take over what waits now; the newest part is chosen if none is."""
        self.items = items
        here = self._index()
        if self.chosen is None:
            self._choose_at(0)
        elif here is not None:
            self.chosen = items[here]  # it may have been stored anew, or have its report by now

    def choose(self, inspection_id: UUID) -> None:
        """Look at a part of the list; nothing happens if it has left."""
        self.chosen = next((it for it in self.items if it.inspection.inspection_id == inspection_id), self.chosen)

    def step(self, places: int) -> None:
        """Look at the part so many places towards the older ones (negative: newer ones); stop at both ends."""
        here = self._index()
        at = here + places if here is not None else self._newer() + min(places, 0)
        self._choose_at(max(0, min(at, len(self.items) - 1)))

    def leave(self) -> None:
        """Take the chosen part out and look at the next older one; at the end, at the one before it."""
        at = self._newer()
        self.items = [it for it in self.items if it is not self.chosen]
        self.chosen = None
        self._choose_at(min(at, len(self.items) - 1))

    def _choose_at(self, index: int) -> None:
        if self.items:
            self.chosen = self.items[index]

    def _index(self) -> int | None:
        """Where the chosen part stands; None if somebody else has answered it."""
        if self.chosen is None:
            return None
        wanted = self.chosen.inspection.inspection_id
        return next((at for at, it in enumerate(self.items) if it.inspection.inspection_id == wanted), None)

    def _newer(self) -> int:
        """How many parts of the list are newer than the chosen one."""
        if self.chosen is None:
            return 0
        place = _order(self.chosen)
        return sum(_order(it) > place for it in self.items)


def _order(stored: StoredInspection) -> tuple[object, ...]:
    return stored.inspection.captured_at, stored.inspection.inspection_id
