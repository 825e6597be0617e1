"""Asks every process, again and again from a thread of its own, whether it is ready."""

import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Final

_INTERVAL_S: Final = 0.3
# A process that imports torch answers late, not never; one slow process must not hide the others for long.
_TIMEOUT_S: Final = 1.0


class Readiness:
    """``/readyz`` of each process by name; None = ready, else the reason. Thread-safe to read."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._urls = dict(urls)
        self._reasons: dict[str, str | None] = dict.fromkeys(urls, "starts")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="readiness", daemon=True)
        self._thread.start()

    def waiting_for(self) -> dict[str, str]:
        """Who is not ready, and why."""
        return {name: reason for name, reason in self._reasons.items() if reason is not None}

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.is_set():
            for name, url in self._urls.items():
                self._reasons[name] = ask_ready(url)
            self._stop.wait(_INTERVAL_S)


def ask_ready(url: str) -> str | None:
    """None if ``url`` answers 200, else why not."""
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:
            answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.read(500).decode(errors="replace").strip() or f"HTTP {error.code}"
    except (OSError, ValueError):
        return "does not answer yet"
    return None
