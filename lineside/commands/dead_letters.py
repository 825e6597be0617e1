"""``lineside dlq``: what was quarantined, byte for byte, and how to send it again."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lineside.commands.options import AsJson
from lineside.commands.site_command import site_command

if TYPE_CHECKING:
    from lineside.site import Site
    from wire.kafka.reader import RawRecord

app = typer.Typer(help="Quarantined messages: list, show, send again.", no_args_is_help=True)

Topic = Annotated[str, typer.Option(help="Topic whose dead letters are meant.")]
Place = Annotated[str, typer.Argument(metavar="PARTITION/OFFSET", help="As `lineside dlq list` names it.")]
_FRAMES = "lineside.frames"


@app.command("list")
@site_command("broker")
def list_letters(
    site: "Site",
    topic: Topic = _FRAMES,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest last.")] = 50,
    as_json: AsJson = False,
) -> None:
    """The dead letters of a topic with the reason of each."""
    from collections import deque

    from rich.table import Table

    from lineside.terminal import out, print_json

    oldest: dict[int, int] = {}  # offset by partition: those in front of it are gone
    letters: deque[RawRecord] = deque(maxlen=limit)
    for letter in _read(site, topic):
        oldest.setdefault(letter.partition, letter.offset)
        letters.append(letter)
    if as_json:
        print_json([_document(letter) for letter in letters])
        return
    table = Table("place", "written", "line", "came from", "reason", "bytes", "message")
    for letter in letters:
        headers = _headers(letter)
        table.add_row(
            f"{letter.partition}/{letter.offset}",
            f"{letter.timestamp:%Y-%m-%d %H:%M:%S}" if letter.timestamp else "",
            headers.get("ce_lineid", (letter.key or b"").decode(errors="replace")),
            f"{headers.get('dlq_partition', '?')}/{headers.get('dlq_offset', '?')}",
            headers.get("dlq_error_type", ""),
            str(len(letter.value or b"")),
            headers.get("dlq_error_message", ""),
        )
    out.print(table if letters else "no dead letters")
    if gone := sum(oldest.values()):
        out.print(f"{gone} older ones are gone: the broker has dropped them (the embedded one keeps 5 MiB a partition)")


@app.command()
@site_command("broker")
def show(
    site: "Site",
    place: Place,
    topic: Topic = _FRAMES,
    save: Annotated[Path | None, typer.Option(help="Write the original bytes to this file.")] = None,
) -> None:
    """One dead letter with all of its headers."""
    from lineside.terminal import out, print_json

    letter = _find(site, topic, place)
    print_json(_document(letter))
    if save is not None:
        save.write_bytes(letter.value or b"")
        out.print(f"{len(letter.value or b'')} bytes written to {save}")


@app.command()
@site_command("broker")
def replay(
    site: "Site",
    place: Annotated[
        str | None, typer.Argument(metavar="[PARTITION/OFFSET]", help="As `lineside dlq list` names it; or --all.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every dead letter of the topic.")] = False,
    topic: Topic = _FRAMES,
) -> None:
    """Send dead letters to their topic again, as they first came (after what refused them was repaired)."""
    from lineside.replay import send_again
    from lineside.terminal import out
    from wire.errors import ConfigurationError

    if (place is None) == (not everything):
        raise ConfigurationError(["dlq replay: name one letter (PARTITION/OFFSET) or give --all"])
    letters = _read(site, topic) if place is None else iter([_find(site, topic, place)])
    out.print(f"{send_again(site.broker, letters, topic)} sent to {topic}")


def _read(site: "Site", topic: str) -> "Iterator[RawRecord]":
    from wire import topics
    from wire.errors import ConfigurationError
    from wire.kafka.reader import read_topic

    if topic not in topics.ALL:
        raise ConfigurationError([f"--topic: {topic!r} is none of {', '.join(topics.ALL)}"])
    return read_topic(site.broker, topics.dlq(topic))


def _find(site: "Site", topic: str, place: str) -> "RawRecord":
    from wire.errors import ConfigurationError

    for letter in _read(site, topic):
        if f"{letter.partition}/{letter.offset}" == place:
            return letter
    raise ConfigurationError([f"{topic}.dlq has nothing at {place}; `lineside dlq list` names what it has"])


def _headers(letter: "RawRecord") -> dict[str, str]:
    return {name: (value or b"").decode(errors="backslashreplace") for name, value in letter.headers}


def _document(letter: "RawRecord") -> dict[str, Any]:
    value = letter.value or b""
    return {
        "place": f"{letter.partition}/{letter.offset}",
        "timestamp": letter.timestamp,
        "key": (letter.key or b"").decode(errors="backslashreplace"),
        "headers": _headers(letter),
        "size": len(value),
        "first_bytes": value[:64].hex(" "),
    }
