"""A detector that is to be evaluated: the port, and what the port does not say about it."""

from dataclasses import dataclass

from wire.inspector import Inspector


@dataclass(frozen=True, kw_only=True)
class Detector:
    """``judges_alone``: it works without references; ``uses_references``: it is not the same detector with them."""

    name: str
    inspector: Inspector
    judges_alone: bool = True
    uses_references: bool = True

    def refusal(self, shots: int) -> str | None:
        """Why this number of references cannot be evaluated, None if it can."""
        if shots == 0 and not self.judges_alone:
            return "needs references"
        if shots > 0 and not self.uses_references:
            return "uses no references: see 0 shots"
        return None
