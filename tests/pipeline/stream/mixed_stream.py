"""A hundred parts as a plant on a bad day sends them, and what must come of them."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from storage.database import Database
from storage.history import History
from storage.history_filter import HistoryFilter
from storage.ledger import LedgerStore
from tests.unit.stream.made_records import LINE, PNG, context_event, frame_event, heartbeat_event
from wire.cloudevents import CloudEvent
from wire.finding import Verdict
from wire.image_codec import encode_png
from wire.sequence_set import SequenceSet

WHITE = encode_png(np.full((8, 8), 255, np.uint8))
CORRUPT = b"\x89PNG\r\n\x1a\n no image of part "
SOURCES = {"rgb": (f"{LINE}/rgb1", "s1"), "depth": (f"{LINE}/depth1", "s1"), "plc": (f"{LINE}/plc", "plc-1")}


@dataclass
class MixedStream:
    """By the last digit of the part: 1 white, 2 corrupt colour, 3 empty depth, 4 without depth, 5 everything twice,
    6 context last, 8 depth after the next heartbeats.
    """

    parts: int
    seed: int = 1
    sent: dict[str, SequenceSet] = field(default_factory=lambda: {name: SequenceSet() for name in SOURCES})

    def events(self) -> Iterator[CloudEvent]:
        """Every event; heartbeats of all sources after each ten parts."""
        shuffler = random.Random(self.seed)
        delayed: list[tuple[int, str, CloudEvent]] = []
        for first in range(0, self.parts, 10):
            batch: list[tuple[int, str, CloudEvent]] = []
            for number in range(first, min(first + 10, self.parts)):
                batch += self._part(number, delayed)
            batch, delayed = delayed + batch, []
            if shuffler.random() < 0.5:  # neighbours change places, as two connectors' sends do
                at = shuffler.randrange(len(batch) - 1)
                batch[at], batch[at + 1] = batch[at + 1], batch[at]
            for number, source, event in batch:
                self.sent[source].add(number)
                yield event
            yield from self.heartbeats(first)

    def heartbeats(self, second: int) -> Iterator[CloudEvent]:
        """Where each source stands."""
        for name, (source, session) in SOURCES.items():
            yield heartbeat_event(str(self.sent[name]), source=source, session=session, second=second)

    def _part(self, number: int, delayed: list[tuple[int, str, CloudEvent]]) -> list[tuple[int, str, CloudEvent]]:
        rgb = {1: WHITE, 2: CORRUPT + str(number).encode()}.get(number % 10, PNG)
        depth = {3: b""}.get(number % 10, PNG)
        frames = [(number, "rgb", frame_event(number, "rgb", payload=rgb))]
        if number % 10 == 8:
            delayed.append((number, "depth", frame_event(number, "depth", payload=depth)))
        elif number % 10 != 4:
            frames.append((number, "depth", frame_event(number, "depth", payload=depth)))
        context = (number, "plc", context_event(number))
        if number % 10 == 5:
            return [context, *frames, context, *frames]
        return [*frames, context] if number % 10 == 6 else [context, *frames]

    def verdict(self, number: int) -> Verdict:
        """What the scripted detector says of a part."""
        return Verdict.DEFECT if number % 10 == 1 else Verdict.OK

    def corrupt_payloads(self) -> set[bytes]:
        """The bytes of every broken colour frame."""
        return {CORRUPT + str(number).encode() for number in range(self.parts) if number % 10 == 2}


def verdicts(database: Database, stream: MixedStream) -> dict[str, Verdict]:
    """The stored verdicts by part, once it is sure that each part has exactly one row."""
    page = History(database).page(HistoryFilter(), stream.parts * 2)
    found = {stored.inspection.part_id: stored.inspection.verdict for stored in page.items}
    assert len(page.items) == len(found)
    assert found.keys() == {f"P{number}" for number in range(stream.parts)}
    return found


def check_rows(database: Database, stream: MixedStream) -> None:
    """Exactly one row per part with the right verdict."""
    assert verdicts(database, stream) == {f"P{number}": stream.verdict(number) for number in range(stream.parts)}


def ledger_is_settled(database: Database, stream: MixedStream) -> bool:
    """Whether the ledger knows what became of everything that was sent."""
    account = LedgerStore(database).read().line(LINE)
    if account is None:
        return False
    totals = account.totals
    sent = sum(len(numbers) for numbers in stream.sent.values())
    return totals.published == sent == totals.used + totals.late + sum(totals.quarantined.values())


def check_ledger(database: Database) -> None:
    """Nothing unaccounted, nothing waiting."""
    account = LedgerStore(database).read().line(LINE)
    assert account is not None
    totals = account.totals
    assert (totals.unaccounted, totals.waiting, totals.unbalanced, totals.lost_in_broker) == (0, 0, 0, 0)
