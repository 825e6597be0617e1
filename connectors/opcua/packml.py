"""PackML states: servers tell them as text, or as the number of ``Status.StateCurrent`` (ANSI/ISA-TR88.00.02)."""

from typing import Final

from wire.frame import EXECUTE

_STATES: Final = (
    "Undefined", "Clearing", "Stopped", "Starting", "Idle", "Suspended", EXECUTE, "Stopping", "Aborting", "Aborted",
    "Holding", "Held", "Unholding", "Suspending", "Unsuspending", "Resetting", "Completing", "Complete",
)  # fmt: skip


def packml_state(text: str) -> str:
    """The state's name: ``6`` is ``Execute``; what is neither a known number nor a name is passed on as it is."""
    if text.isdecimal() and int(text) < len(_STATES):
        return _STATES[int(text)]
    return next((name for name in _STATES if name.casefold() == text.strip().casefold()), text)
