"""Logging: one form for our records and everybody else's, and no flood while something is away."""

import io
import json
import logging
import re
from collections.abc import Iterator

import pytest
import structlog

from wire.logs import RepetitionFilter, configure_logging


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def configured(level: str = "INFO") -> io.StringIO:
    stream = io.StringIO()
    configure_logging("inspect", json=True, level=level, stream=stream)
    return stream


def test_records_of_structlog_and_of_logging_have_one_form() -> None:
    stream = configured()
    structlog.get_logger("stream.inspect").info("part %s inspected", "P-1", line="a.b.c")
    logging.getLogger("vendor").warning("slow by %d ms", 7, extra={"line": "a.b.d"})
    ours, theirs = lines(stream)
    for record in (ours, theirs):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", str(record.pop("timestamp")))
    assert ours == {
        "event": "part P-1 inspected",
        "line": "a.b.c",
        "level": "info",
        "logger": "stream.inspect",
        "process": "inspect",
    }
    assert theirs == {
        "event": "slow by 7 ms",
        "line": "a.b.d",
        "level": "warning",
        "logger": "vendor",
        "process": "inspect",
    }


def test_what_is_bound_to_the_context_is_in_every_record() -> None:
    stream = configured()
    with structlog.contextvars.bound_contextvars(line="a.b.c"):
        logging.getLogger("vendor").warning("x")
    assert lines(stream)[0]["line"] == "a.b.c"


def test_records_below_the_level_are_dropped() -> None:
    stream = configured("warning")
    structlog.get_logger("a").info("no")
    logging.getLogger("b").info("no")
    structlog.get_logger("a").error("yes")
    assert [record["event"] for record in lines(stream)] == ["yes"]


def test_an_exception_is_part_of_its_record() -> None:
    stream = configured()
    try:
        raise RuntimeError("boom")
    except RuntimeError:
        structlog.get_logger("a").exception("failed")
    [record] = lines(stream)
    assert record["event"] == "failed"
    assert str(record["exception"]).endswith("RuntimeError: boom")


def test_values_that_json_does_not_know_are_written_as_text() -> None:
    stream = configured()
    structlog.get_logger("a").info("x", where=io)
    assert "module 'io'" in str(lines(stream)[0]["where"])


def test_a_person_reads_plain_lines() -> None:
    stream = io.StringIO()
    configure_logging("inspect", json=False, stream=stream)
    structlog.get_logger("stream.inspect").info("part inspected", line="a.b.c")
    assert re.fullmatch(
        r"\S+Z \[info     \] part inspected +\[stream\.inspect\] line=a\.b\.c process=inspect\n", stream.getvalue()
    )


def test_a_second_configuration_replaces_the_first() -> None:
    first, second = configured(), configured()
    logging.getLogger("a").warning("x")
    assert (len(lines(first)), len(lines(second))) == (0, 1)


def test_a_chatty_library_says_each_thing_once() -> None:
    stream = configured()
    for attempt in range(100):
        logging.getLogger("aiokafka.client").error("Unable connect to node with id %s (attempt %d)", 1, attempt)
        logging.getLogger("librdkafka").error("%s [%s]: Connect to 127.0.0.1:%d failed", "FAIL", "x", 1000 + attempt)
    logging.getLogger("librdkafka").error("%s [%s]: something else", "FAIL", "x")
    assert [record["event"] for record in lines(stream)] == [
        "Unable connect to node with id 1 (attempt 0)",
        "FAIL [x]: Connect to 127.0.0.1:1000 failed",
        "FAIL [x]: something else",
    ]


def test_what_was_held_back_is_counted_when_it_is_said_again() -> None:
    now_s = 100.0
    repetitions = RepetitionFilter(clock=lambda: now_s)

    def said(number: int) -> str | None:
        record = logging.LogRecord("asyncua.client", logging.WARNING, "", 0, "lost %d", (number,), None)
        return record.getMessage() if repetitions.filter(record) else None

    assert [said(number) for number in range(4)] == ["lost 0", None, None, None]
    now_s += 10.0
    assert [said(number) for number in range(2)] == ["lost 0 (and 3 more like this)", None]
    now_s += 10.0
    assert said(7) == "lost 7 (and 1 more like this)"


def test_our_own_repetitions_are_all_written() -> None:
    stream = configured()
    for _ in range(3):
        logging.getLogger("stream.inspect").warning("part is late")
    assert len(lines(stream)) == 3
