"""Processor time of another process."""

import os
from pathlib import Path


def processor_s(pid: int) -> float:
    """Seconds of user and system time that a process of this machine has used so far, all its threads together."""
    # The name in the second field may hold spaces and parentheses; behind it, utime and stime are the 12th and 13th.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
