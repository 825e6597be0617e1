"""What a search for devices found: the frame that each kind of device fills."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True)
class FoundDevice:
    """One device that answered.

    ``settings``: what a line's configuration says of it, as far as it can be known: an entry of ``cameras``, or keys of
    ``plc``.
    """

    kind: str  # "opcua", "gige", "usb"
    address: str
    name: str
    details: Sequence[str] = ()
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Everything that one kind of search found, and in words why it may have missed more."""

    devices: Sequence[FoundDevice] = ()
    trouble: str | None = None


class Finder(Protocol):
    """Looks for one kind of device. A missing library or a closed network is ``trouble``, never an exception."""

    def find(self) -> Findings:
        """Search for some seconds at most."""
