"""The nine facts of a defect, computed from its mask."""

from models.facts.extractor import facts_of

__all__ = ["facts_of"]
