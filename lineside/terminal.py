"""What the command line writes: to people on the terminal, to programs as JSON."""

import json
import sys
from typing import Any

from rich.console import Console

# Without a terminal there is no width to keep to, and tables of a log file should not be squeezed into 80 columns.
_WIDTH = None if sys.stdout.isatty() else 160
out = Console(highlight=False, width=_WIDTH)
err = Console(stderr=True, highlight=False)


def print_json(content: Any) -> None:
    """Write JSON without colours or line breaks of the terminal's width."""
    print(json.dumps(content, indent=2, ensure_ascii=False, default=str))  # noqa: T201  (a program reads it)


def print_error(message: str) -> None:
    """Write an error without interpreting brackets as markup."""
    for line in message.splitlines():
        err.print("error: " + line, style="red", markup=False, soft_wrap=True)
