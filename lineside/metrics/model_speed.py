"""Model-only frames per second, read from what the inspect worker tells Prometheus in the same run."""

import urllib.request
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

_TIMEOUT_S: Final = 2.0
_PARTS: Final = "inspect_model_parts_total"
_SECONDS: Final = "inspect_inference_seconds_sum"


class ModelSpeed:
    """Adds up over restarts of the worker: a counter that fell has begun anew. Not thread-safe."""

    def __init__(self, metrics_url: str) -> None:
        self._url = metrics_url
        self._last = (0.0, 0.0)
        self._parts = 0.0
        self._seconds = 0.0

    def look(self) -> None:
        """Read the counters; silent while the worker does not answer."""
        try:
            with urllib.request.urlopen(self._url, timeout=_TIMEOUT_S) as answer:
                text = answer.read().decode()
        except (OSError, ValueError):
            return
        now = _read(text)
        begun_anew = now[0] < self._last[0]
        self._parts += now[0] - (0.0 if begun_anew else self._last[0])
        self._seconds += now[1] - (0.0 if begun_anew else self._last[1])
        self._last = now

    @property
    def parts_per_s(self) -> float | None:
        """Parts per second of model time, None if the model has not run."""
        return self._parts / self._seconds if self._seconds else None


def _read(text: str) -> tuple[float, float]:
    """(parts, seconds) from a text exposition."""
    sums = {_PARTS: 0.0, _SECONDS: 0.0}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name in sums:
                sums[sample.name] += sample.value
    return sums[_PARTS], sums[_SECONDS]
