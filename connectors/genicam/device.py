"""What a GenICam camera is driven through: the port of Aravis and of GenTL producers."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class RawPicture:
    """Pixels as they came: ``data`` (N,) may be the library's memory until the buffer is given back."""

    data: NDArray[np.uint8]
    code: int  # GenICam pixel format
    width: int
    height: int
    padding: int  # bytes behind each row


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivered:
    """One buffer of the camera; ``picture`` is None where packets of it never came.

    ``frame_id``: the camera's number of the picture; None, or that of an earlier one, where it was in a lost packet.
    """

    handle: Any  # the library's own
    frame_id: int | None
    camera_ns: int
    host_ns: int  # arrival
    picture: RawPicture | None


class GenicamDevice(Protocol):
    """From its making to ``close`` the camera is ours and streams. One thread.

    Every failure is a ``SourceUnavailable``. Buffers come in the camera's order; a picture that did not come whole has
    a buffer without picture, or none at all. What the camera took while nobody held it, nobody can know.
    """

    description: str

    def pop(self, timeout_s: float) -> Delivered | None:
        """The next buffer, None if none came in time. Give it back."""

    def give_back(self, delivered: Delivered) -> None:
        """Let the camera write into the buffer again."""

    def fire(self) -> None:
        """Trigger by software."""

    def follows_ptp(self) -> bool:
        """Whether the camera says that its clock follows a PTP master."""

    def check_answers(self) -> None:
        """Ask it something, so that a camera which is gone is noticed."""

    def statistics(self) -> dict[str, int]:
        """Counts since the stream began: received_packets, missing_packets, resent_packets and others."""

    def close(self) -> None:
        """Stop, and give the camera up, so that it can be connected at once."""

    def abandon(self) -> None:
        """The same for one that does not answer; returns at once."""
