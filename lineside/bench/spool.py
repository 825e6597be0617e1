"""How fast the spool writes and drains, against a plain file that gets the same bytes."""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final

from connectors.spool import Spool
from lineside.bench.comparison import Comparison, Direction
from lineside.bench.interleaving import interleave
from wire.cloudevents import CloudEvent
from wire.errors import MustStop
from wire.frame import Frame, FrameKind, Origin, frame_to_event
from wire.timestamps import ClockOrigin

AIM: Final = 0.7

_LINE: Final = "bench.hall1.line1"
# A 1-megapixel JPEG at quality 92 (CONVENTIONS §2.1).
_PAYLOAD_BYTES: Final = 280_000
_CONTENTS: Final = 32
# The default of spool.max_bytes, on which the size of its files depends.
_SPOOL_BYTES: Final = 1024**3
# What the publisher hands over at once when a broker goes away: whatever it holds, up to 32 MiB.
_GROUP: Final = 32


@dataclass(frozen=True, kw_only=True)
class SpoolScale:
    """How much is measured."""

    repetitions: int
    total_bytes: int


FULL: Final = SpoolScale(repetitions=7, total_bytes=512 * 1024 * 1024)
QUICK: Final = SpoolScale(repetitions=3, total_bytes=32 * 1024 * 1024)


def bench_spool(folder: Path, scale: SpoolScale) -> list[Comparison]:
    """Measure on the disk of ``folder``, which needs room for ``total_bytes`` twice."""
    events = _events(max(_GROUP, scale.total_bytes // _PAYLOAD_BYTES))
    megabytes = sum(len(event.data) for event in events) / 1e6
    drained: list[float] = []

    def spool() -> float:
        written, drained_s = _write_and_drain(folder / "spool", events)
        drained.append(megabytes / drained_s)
        return megabytes / written

    spool()
    drained.clear()
    product, baseline = interleave(
        spool, lambda: megabytes / _write_plainly(folder / "plain", events), scale.repetitions
    )
    note = f"{len(events)} events of {_PAYLOAD_BYTES // 1000} kB, synced in groups of {_GROUP}"
    return [
        Comparison(
            name=f"spool, {name}",
            unit="MB/s",
            product_side=f"connectors.spool, {what}",
            baseline_side="plain write and fdatasync of the same payloads",
            product=tuple(values),
            baseline=baseline,
            aim=AIM,
            direction=Direction.AT_LEAST,
            note=note,
        )
        for name, what, values in (
            ("write", "append", product),
            ("drain", "read in order and acknowledge", drained),
        )
    ]


def _write_and_drain(folder: Path, events: Sequence[CloudEvent]) -> tuple[float, float]:
    """Seconds of each."""
    spool = Spool(folder, max_bytes=_SPOOL_BYTES)
    try:
        begun = time.perf_counter()
        written = sum(len(spool.append(group)) for group in _groups(events))
        appended = time.perf_counter()
        for number in spool.unacknowledged(0):
            spool.read(number)
            spool.acknowledge(number)
        drained = time.perf_counter()
        if written != len(events) or len(spool):
            raise MustStop(f"the spool took {written} of {len(events)} events and kept {len(spool)}")
    finally:
        spool.close()
    return appended - begun, drained - appended


def _groups(events: Sequence[CloudEvent]) -> Iterator[Sequence[CloudEvent]]:
    for start in range(0, len(events), _GROUP):
        yield events[start : start + _GROUP]


def _write_plainly(path: Path, events: Sequence[CloudEvent]) -> float:
    """Seconds to write the payloads one after the other, synced as often as the spool does."""
    begun = time.perf_counter()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
    try:
        for group in _groups(events):
            for event in group:
                os.write(descriptor, event.data)
            os.fdatasync(descriptor)
    finally:
        os.close(descriptor)
    seconds = time.perf_counter() - begun
    path.unlink()
    return seconds


def _events(count: int) -> list[CloudEvent]:
    contents = [Random(number).randbytes(_PAYLOAD_BYTES) for number in range(_CONTENTS)]
    return [
        frame_to_event(
            Frame(
                origin=Origin(line=_LINE, source=f"{_LINE}/camera1", session="bench", sequence=number),
                kind=FrameKind.IMAGE,
                modality="rgb",
                captured_at=datetime.now(UTC),
                clock=ClockOrigin.CAMERA,
                content_type="image/jpeg",
                payload=contents[number % _CONTENTS],
            )
        )
        for number in range(count)
    ]
