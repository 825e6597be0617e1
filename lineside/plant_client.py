"""Asks the virtual plant's control API."""

import json
import urllib.error
import urllib.request
from typing import Any, Final

from wire.errors import ConfigurationError, RetryLater

_TIMEOUT_S: Final = 5.0


class PlantClient:
    """A plant by the address of its control API. RetryLater if it does not answer, ConfigurationError if it refuses."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def state(self) -> dict[str, Any]:
        """Figures of every line, by line id."""
        lines: dict[str, Any] = self._ask("/state")["lines"]
        return lines

    def start(self) -> None:
        """Begin the production; silent if it has begun."""
        self._ask("/start", {})

    def stop(self) -> None:
        """End the production; the OPC UA server stays."""
        self._ask("/stop", {})

    def commissioned(self, line: str, product: str) -> bool:
        """Tell a line that its product has been learned; False if it makes another product now."""
        return bool(self._ask(f"/lines/{line.rsplit('.', 1)[-1]}/commissioned", {"product": product})["resumed"])

    def set_defect_rate(self, rate: float, *, line: str | None = None) -> dict[str, Any]:
        """Let this share of the next parts of one line, or of all, be defective."""
        short_name = line.rsplit(".", 1)[-1] if line else None
        return self._ask("/defect_rate", {"rate": rate, "line": short_name})

    def inject(self, fault: str, *, line: str | None = None, count: int = 1) -> dict[str, Any]:
        """Let a fault happen to the next ``count`` parts of one line, or of all."""
        short_name = line.rsplit(".", 1)[-1] if line else None
        return self._ask("/faults", {"fault": fault, "line": short_name, "count": count})

    def _ask(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(
            self._url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={} if body is None else {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
                content: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                text = error.read().decode(errors="replace")
            if error.code < 500:
                raise ConfigurationError([f"plant: {_detail(text)}"]) from error
            raise RetryLater(f"plant: {_detail(text)}") from error
        except OSError as error:
            raise RetryLater(f"plant: {self._url} does not answer ({error})") from error
        return content


def _detail(text: str) -> str:
    try:
        return str(json.loads(text)["detail"])
    except (ValueError, KeyError, TypeError):
        return text
