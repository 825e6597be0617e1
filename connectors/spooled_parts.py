"""Parts of which something lies in the spool: what else comes of them stays with it."""

from collections import OrderedDict
from typing import Final

from wire.cloudevents import CloudEvent
from wire.frame import part_from_extensions

# What still comes of a part comes within seconds of its first event; a fast line makes some tens of parts in that time.
_REMEMBERED: Final = 1000

_Name = tuple[str | None, str]


class SpooledParts:
    """Remembers the newest parts of which an event was spooled. Used by one thread."""

    def __init__(self) -> None:
        self._names: OrderedDict[_Name, None] = OrderedDict()

    def add(self, event: CloudEvent) -> None:
        """An event was spooled."""
        name = _name(event)
        if name is not None:
            self._names[name] = None
            self._names.move_to_end(name)
            if len(self._names) > _REMEMBERED:
                self._names.popitem(last=False)

    def __contains__(self, event: CloudEvent) -> bool:
        """Whether another event of the same part was spooled; False where the event does not name its part."""
        return _name(event) in self._names

    def clear(self) -> None:
        """The spool is empty."""
        self._names.clear()


def _name(event: CloudEvent) -> _Name | None:
    part = part_from_extensions(event.extensions)
    return None if part.part_id is None else (part.trigger_session, part.part_id)
