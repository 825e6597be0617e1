"""Logging of a process: structlog's and everybody else's records in one form, on standard error."""

import logging
import re
import sys
import threading
import time
from collections.abc import Callable
from typing import Final, TextIO

import structlog

# These say the same thing at every attempt while a broker or server is away: aiokafka about 150 lines a second.
_REPETITIVE: Final = ("aiokafka", "asyncua", "faust", "librdkafka", "mode")
# Larger: an outage's end is hard to see. Smaller: an hour's outage buries the rest of the log.
_REPEAT_AFTER_S: Final = 10.0
# Enough for every message of the libraries above; a bound in case one of them puts names into its texts.
_REMEMBERED: Final = 1000
_DIGITS: Final = re.compile(r"\d+")
# asyncua logs every publish response at INFO, with its whole content.
_AT_LEAST_WARNING: Final = ("asyncua", "aiokafka", "faust", "mode", "httpx", "uvicorn.access", "PIL", "urllib3")


def configure_logging(process: str, *, json: bool, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send every record of this process to ``stream`` (standard error), one line each, with UTC time and ``process``.

    ``json`` for machines, else readable text. ``level`` by its name. Replaces what was configured before; call it once,
    at the start. Repetitions of one message by a chatty library are dropped for 10 s and counted in the next.
    """
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        lambda _logger, _method, event: {**event, "process": process},
    ]
    last: list[structlog.types.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]
        if json
        else [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)]
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    handler.addFilter(RepetitionFilter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _AT_LEAST_WARNING:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(True)


class RepetitionFilter(logging.Filter):
    """Lets a chatty library's message through once in 10 s, with the number of repetitions dropped since.

    Messages that differ in numbers only (ports, attempts, offsets) are repetitions. Thread-safe.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether ``record`` is to be written; adds the count of dropped ones to its message."""
        if not record.name.startswith(_REPETITIVE):
            return True
        key = (record.name, _DIGITS.sub("", record.getMessage()))
        now = self._clock()
        with self._lock:
            if len(self._seen) > _REMEMBERED:
                self._seen.clear()
            since, dropped = self._seen.get(key, (-_REPEAT_AFTER_S, 0))
            if now - since < _REPEAT_AFTER_S:
                self._seen[key] = (since, dropped + 1)
                return False
            self._seen[key] = (now, 0)
        if dropped:
            record.msg = f"{record.msg} (and {dropped} more like this)"
        return True
