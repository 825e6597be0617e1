"""What the command line writes: to people on the terminal, to programs as JSON."""

import json
from typing import Any

from rich.console import Console

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def print_json(content: Any) -> None:
    """Write JSON without colours or line breaks of the terminal's width."""
    print(json.dumps(content, indent=2, ensure_ascii=False, default=str))  # noqa: T201  (a program reads it)


def print_error(message: str) -> None:
    """Write an error without interpreting brackets as markup."""
    for line in message.splitlines():
        err.print("error: " + line, style="red", markup=False, soft_wrap=True)
