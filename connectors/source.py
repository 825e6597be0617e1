"""The port of a source: something that captures events of one device until it is told to stop."""

import threading
from collections.abc import Callable
from typing import Protocol

from connectors.captured import Captured

# ``Publisher.submit``: takes an event over, or raises PublisherFull.
Submit = Callable[[Captured], None]


class Source(Protocol):
    """Runs in a thread of its own. Waits out whatever is away by itself; what it raises ends the process."""

    @property
    def name(self) -> str:
        """The source's name in messages, ``<line>/<device>``."""

    @property
    def trouble(self) -> str | None:
        """Why nothing can be captured just now (readiness); None while all is well."""

    def run(self, submit: Submit, stop: threading.Event) -> None:
        """Capture until ``stop`` is set, then let go of the device and return within a second."""
