"""How fast the connectors' publisher is, against a bare producer with the same records and the same object writes."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final

from connectors.captured import Captured
from connectors.errors import PublisherFull
from connectors.metrics import ConnectorMetrics, new_registry
from connectors.publisher import Publisher, PublisherLimits
from connectors.source_ledger import SourceLedgers
from connectors.spool import Spool, SpoolPolicy
from lineside.bench import bench_topics
from lineside.bench.bare_producer import CHECKSUM_HEADER, BareProducer, BareRecord
from lineside.bench.bench_sender import BenchSender
from lineside.bench.comparison import Comparison, Direction
from lineside.bench.interleaving import interleave
from lineside.bench.settings import Scale
from storage.objects import open_payload_store
from wire.cloudevents import to_kafka
from wire.errors import MustStop
from wire.frame import Claim, Frame, FrameKind, Origin, PartReference, frame_to_event
from wire.kafka.embedded import EmbeddedBroker
from wire.kafka.settings import KafkaSettings
from wire.payload_store import payload_key
from wire.timestamps import ClockOrigin

AIM: Final = 0.9

_LINE: Final = "bench.hall1.line1"
_SOURCE: Final = f"{_LINE}/camera1"
# A 1-megapixel JPEG at quality 92 (CONVENTIONS §2.1); below the inline limit of 512 KiB.
_INLINE_BYTES: Final = 280_000
# A 5-megapixel JPEG at quality 92; above the limit.
_CLAIMED_BYTES: Final = 1_340_000
# Different contents, so that no cache on the way holds them all; few enough to fit in memory twice over.
_CONTENTS: Final = 32
# An acknowledged put costs a sync of the disk: fewer bytes take as long.
_CLAIMED_SHARE: Final = 0.5
_DEADLINE_S: Final = 300.0


@dataclass(frozen=True, kw_only=True)
class _Case:
    """One size of payload on both sides."""

    name: str
    payload_bytes: int
    total_bytes: int

    @property
    def frames(self) -> int:
        """Frames in one measurement."""
        return max(16, self.total_bytes // self.payload_bytes)


def bench_publish(folder: Path, broker: str | None, scale: Scale) -> list[Comparison]:
    """Measure inline and claim-checked payloads. ``folder`` gets spools and objects; ``broker`` None: embedded."""
    if broker is not None:
        settings = KafkaSettings(bootstrap=broker)
        bench_topics.make_publish_topic(settings)
        return _measure_cases(folder, settings, scale)
    with EmbeddedBroker([bench_topics.PUBLISH], 1) as embedded:
        # Not marked as embedded: nothing reads the topic, so there is no reader to wait for.
        return _measure_cases(folder, KafkaSettings(bootstrap=embedded.bootstrap), scale)


def _measure_cases(folder: Path, settings: KafkaSettings, scale: Scale) -> list[Comparison]:
    cases = (
        _Case(name="publish, inline", payload_bytes=_INLINE_BYTES, total_bytes=scale.publish_bytes),
        _Case(
            name="publish, claim check",
            payload_bytes=_CLAIMED_BYTES,
            total_bytes=int(scale.publish_bytes * _CLAIMED_SHARE),
        ),
    )
    return [_compare(folder, settings, case, scale.repetitions) for case in cases]


def _compare(folder: Path, settings: KafkaSettings, case: _Case, repetitions: int) -> Comparison:
    rig = _Rig(folder, settings, case)
    try:
        rig.publish()
        rig.produce()
        product, baseline = interleave(rig.publish, rig.produce, repetitions)
    finally:
        rig.close()
    return Comparison(
        name=case.name,
        unit="frames/s",
        product_side="connectors.publisher",
        baseline_side="bare producer",
        product=product,
        baseline=baseline,
        aim=AIM,
        direction=Direction.AT_LEAST,
        note=f"{case.frames} frames of {case.payload_bytes // 1000} kB",
    )


class _Rig:
    """Both sides, connected and ready; each call of ``publish`` and ``produce`` is one measurement."""

    def __init__(self, folder: Path, settings: KafkaSettings, case: _Case) -> None:
        self._case = case
        self._limits = PublisherLimits()
        self._inline_limit_bytes = settings.inline_limit_bytes
        self._payloads = open_payload_store((folder / "objects").as_uri())
        self._contents = [Random(number).randbytes(case.payload_bytes) for number in range(_CONTENTS)]
        self._run = 0
        self._sender = BenchSender(settings, "bench-publisher")
        self._bare = BareProducer(settings, bench_topics.PUBLISH, self._payloads, object_puts=self._limits.object_puts)
        self._spool = Spool(folder / f"spool-{case.payload_bytes}", max_bytes=1024**3)
        self._publisher = Publisher(
            sender=self._sender,
            payloads=self._payloads,
            spool=self._spool,
            ledgers=SourceLedgers(),
            metrics=ConnectorMetrics(new_registry()),
            inline_limit_bytes=self._inline_limit_bytes,
            policy=SpoolPolicy.EVERY_FRAME,
            limits=self._limits,
        )
        self._publisher.start()

    def publish(self) -> float:
        """Frames per second through the publisher, from the first submit to the last acknowledgement."""
        waiting = _Countdown(self._case.frames)
        captured = [Captured.of_frame(frame, waiting.one_less) for frame in self._frames()]
        begun = time.perf_counter()
        for item in captured:
            self._submit(item)
        waiting.wait(_DEADLINE_S)
        seconds = time.perf_counter() - begun
        if self._publisher.failure is not None or self._publisher.trouble is not None or self._spool.end:
            raise MustStop(
                f"the publisher did not publish directly ({self._publisher.failure or self._publisher.trouble}, "
                f"{self._spool.end} events spooled): this measurement says nothing"
            )
        return self._case.frames / seconds

    def produce(self) -> float:
        """Frames per second through the bare producer, from the first produce to the last acknowledgement."""
        records = self._records()
        begun = time.perf_counter()
        self._bare.send_all(records)
        return self._case.frames / (time.perf_counter() - begun)

    def close(self) -> None:
        """Let go of broker, spool and store."""
        self._publisher.close(5.0)
        self._sender.close(5.0)
        self._bare.close()
        self._spool.close()
        self._payloads.close()

    def _submit(self, item: Captured) -> None:
        while True:
            try:
                self._publisher.submit(item)
            except PublisherFull as full:
                time.sleep(full.retry_after_s)
            else:
                return

    def _frames(self) -> Sequence[Frame]:
        """Frames that no earlier measurement sent."""
        self._run += 1
        now = datetime.now(UTC)
        return [
            Frame(
                origin=Origin(line=_LINE, source=_SOURCE, session=f"bench-{self._run}", sequence=number),
                kind=FrameKind.IMAGE,
                modality="rgb",
                captured_at=now,
                clock=ClockOrigin.CAMERA,
                content_type="image/jpeg",
                part=PartReference(part_id=f"P-{number:06d}", trigger_session=f"bench-{self._run}", triggered_at=now),
                payload=self._contents[number % _CONTENTS],
            )
            for number in range(self._case.frames)
        ]

    def _records(self) -> list[BareRecord]:
        return [self._record(frame) for frame in self._frames()]

    def _record(self, frame: Frame) -> BareRecord:
        payload = frame.payload or b""
        if len(payload) <= self._inline_limit_bytes:
            headers, value = to_kafka(frame_to_event(frame))
            return BareRecord(key=_LINE.encode(), value=value, headers=[*headers])
        key = payload_key(_LINE, frame.captured_at, frame.event_id, "jpg")
        claim = Claim(ref=key, sha256="", size=len(payload))
        headers, value = to_kafka(frame_to_event(replace(frame, payload=None, claim=claim)))
        known = [header for header in headers if header[0] != CHECKSUM_HEADER]
        return BareRecord(key=_LINE.encode(), value=value, headers=[*known], store_as=key, payload=payload)


class _Countdown:
    """Waits until something has happened ``count`` times. ``one_less`` is called from one thread."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._done = threading.Event()

    def one_less(self) -> None:
        self._left -= 1
        if not self._left:
            self._done.set()

    def wait(self, timeout_s: float) -> None:
        """MustStop when it takes too long."""
        if not self._done.wait(timeout_s):
            raise MustStop(f"{self._left} frames were not published within {timeout_s:g} s")
