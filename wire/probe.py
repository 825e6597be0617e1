"""``python -m wire.probe URL…``: status 0 if every address answers 200; for images, which hold no curl."""

import sys
import urllib.error
import urllib.request
from typing import Final

# Kubernetes and Docker give a probe some seconds; one that answers later counts as dead there, too.
_TIMEOUT_S: Final = 4.0


def trouble(url: str, *, timeout_s: float = _TIMEOUT_S) -> str | None:
    """None if ``url`` answers 200 within the time, else why not. ``url`` may leave out its scheme."""
    try:
        with urllib.request.urlopen(url if "://" in url else f"http://{url}", timeout=timeout_s) as answer:
            return None if answer.status == 200 else f"{url}: HTTP {answer.status}"
    except urllib.error.HTTPError as error:
        with error:
            return f"{url}: HTTP {error.code}: {error.read(500).decode(errors='replace').strip()}"
    except (OSError, ValueError) as error:
        return f"{url}: {error}"


def main(urls: list[str]) -> int:
    """Print what is wrong to standard error. 2 if there is nothing to ask."""
    if not urls:
        sys.stderr.write("usage: python -m wire.probe URL...\n")
        return 2
    troubles = [found for url in urls if (found := trouble(url)) is not None]
    sys.stderr.write("".join(f"{found}\n" for found in troubles))
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
