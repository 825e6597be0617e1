"""What stands in for words where the backbone knows none; without a memory it is always the picture itself."""

from enum import StrEnum


class Wordless(StrEnum):
    """For lines that have a memory."""

    OWN = "own"  # what the backbone thinks by itself, or how rare a place is in its own picture
    MEMORY = "memory"  # nothing: the memory decides alone
