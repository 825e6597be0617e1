"""Events to Kafka through librdkafka's idempotent producer: the one way out of every process."""

import logging
import threading
import time
from functools import partial
from typing import Final, Self

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from wire import topics
from wire.cloudevents import CloudEvent, RawHeaders, to_kafka
from wire.errors import BadInput, BrokerUnavailable, ConfigurationError, LinesideError
from wire.event_sender import Acknowledgement, Delivered
from wire.kafka.failures import translate
from wire.kafka.lag_guard import LagGuard, Settle
from wire.kafka.refusal import Refusal
from wire.kafka.settings import KafkaSettings

_log = logging.getLogger(__name__)

# Below the broker's default limit of 1 048 588 bytes with room for headers; anything larger needed a claim check.
MESSAGE_LIMIT_BYTES: Final = 900_000

_PRODUCER: Final[dict[str, str | int]] = {
    "enable.idempotence": "true",  # retries keep the order and write once; forces acks=all
    "partitioner": "murmur2_random",  # the default agrees with the readers' murmur2 on no key at all
    # Larger: a frame waits longer than its part may take. Smaller: one request per message.
    "linger.ms": 5,
    # Larger: frames stay in memory, where a crash loses them, instead of in the connector's synced spool. Smaller: a
    # broker's restart (5 to 20 s) sends everything through the spool.
    "delivery.timeout.ms": 30_000,
    # The default is 1 GiB of frames; 64 MiB is over a minute of a line at 1 MB/s, and send() says so when it is full.
    "queue.buffering.max.kbytes": 64 * 1024,
    # Dead letters add headers to a message that was at the limit itself, and go to topics with twice the limit.
    "message.max.bytes": 2 * 1024 * 1024,
}
# A batch is one record set for the broker, which refuses sets above its message limit.
_BATCH_BYTES: Final = 1_000_000
# The embedded broker drops whole sets at 5 MiB: small ones make its memory fine-grained.
_BATCH_EMBEDDED_BYTES: Final = 256 * 1024

# How long the poll thread sleeps when nothing happens, which is also the longest that close() waits for it.
_POLL_S: Final = 0.2
# A full queue of 64 MiB drains in about this time on a gigabit link.
_QUEUE_FULL_RETRY_S: Final = 0.5
# librdkafka answers a purge at once; a minute of silence would be a bug in it.
_PURGE_TIMEOUT_S: Final = 60.0
_PURGED: Final = (KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT)  # noqa: SLF001 - librdkafka's own errors


class KafkaSender:
    """An ``EventSender`` on Kafka, with ``send_raw`` for dead letters. Thread-safe; ``close`` it.

    Connects in the background: neither construction nor ``send`` waits for the broker. ConfigurationError if librdkafka
    does not know an option or does not like its value.

    Once an event has waited in vain for ``delivery.timeout.ms``, librdkafka's producer is replaced by a new one: after
    an update of metadata without a leader (a broker that ends says so) it may never find a leader again, though the
    broker is back for long (librdkafka issue 5430: "new leader-1 not found in cache").
    """

    def __init__(self, settings: KafkaSettings, client_id: str) -> None:
        self._refusal = Refusal()
        self._options = {
            **settings.librdkafka(),
            **_PRODUCER,
            "error_cb": self._refusal.note,
            "client.id": client_id,
            "batch.size": _BATCH_EMBEDDED_BYTES if settings.embedded else _BATCH_BYTES,
        }
        try:
            self._producer = self._new_producer()
        except KafkaException as error:
            raise ConfigurationError([f"broker.options: {error.args[0].str()}"]) from error
        self._replacing = threading.Lock()  # nothing is queued in a producer that is on its way out
        self._former: Producer | None = None  # the replaced one, until all that it still has is told; poll thread's own
        self._guard = LagGuard(settings) if settings.embedded else None
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._open = 0  # events whose callback has not returned yet
        self._given_up = 0
        self._fatal_told = False  # that the producer gave up for ever
        self._closed = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._poll, name=f"kafka-sender-{client_id}", daemon=True)
        self._thread.start()

    def send(self, topic: str, key: str, event: CloudEvent, delivered: Delivered) -> None:
        """Queue one event; never blocks. ``delivered`` is called exactly once, from another thread.

        Raises instead, and then never calls it: BrokerUnavailable when the queue is full, the sender closed or, with
        the embedded broker, a reading group lags; BadInput('too_large') above 900 KB; MustStop when librdkafka gave up.
        """
        headers, value = to_kafka(event)
        if len(value) > MESSAGE_LIMIT_BYTES:
            raise BadInput(
                "too_large",
                f"event {event.id} for {topic} has {len(value)} bytes, the limit is {MESSAGE_LIMIT_BYTES}: "
                "put the payload into the object store and send a claim on it",
            )
        self._produce(topic, key.encode(), value, headers, delivered, heartbeat=event.type == topics.HEARTBEAT)

    def send_raw(
        self, topic: str, key: bytes | None, value: bytes | None, headers: RawHeaders, delivered: Delivered
    ) -> None:
        """Queue a record byte for byte (dead letters and their replay); otherwise like ``send``, up to 2 MiB."""
        self._produce(topic, key, value, headers, delivered)

    def flush(self, timeout_s: float) -> int:
        """Wait until everything queued is acknowledged or failed and its callback returned; the number still open."""
        with self._idle:
            self._idle.wait_for(lambda: not self._open, timeout_s)
            return self._open

    def close(self, timeout_s: float) -> int:
        """Flush, then give up what is left and stop the threads; the number of events that were given up.

        Each of those was told BrokerUnavailable; the broker may have some of them nevertheless. A second call does
        nothing. Not to be called from a callback.
        """
        with self._lock:
            if self._closed:
                return 0
            self._closed = True  # from here on nothing new is queued
        if self.flush(timeout_s):
            with self._replacing:
                self._producer.purge()
            self.flush(_PURGE_TIMEOUT_S)
        self._stop.set()
        self._thread.join()
        if self._guard is not None:
            self._guard.close()
        return self._given_up

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close(timeout_s=10.0)

    def _produce(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: RawHeaders,
        delivered: Delivered,
        *,
        heartbeat: bool = False,
    ) -> None:
        with self._lock:
            if self._closed:
                raise BrokerUnavailable(f"{topic}: this sender is closed")
            self._open += 1
        settle: Settle | None = None
        queued = False
        try:
            if self._guard is not None:
                settle = self._guard.admit(topic, len(value or b""), heartbeat=heartbeat)
            report = partial(self._report, delivered, settle)
            with self._replacing:
                self._producer.produce(topic, value, key, on_delivery=report, headers=list(headers))
            queued = True
        except BufferError as error:
            raise BrokerUnavailable(
                f"{topic}: {len(self._producer)} messages are waiting for the broker", retry_after_s=_QUEUE_FULL_RETRY_S
            ) from error
        except KafkaException as error:
            raise translate(error.args[0], topic) from error
        finally:
            if not queued:
                self._finish(settle)

    def _report(self, delivered: Delivered, settle: Settle | None, error: KafkaError | None, message: Message) -> None:
        """Tell one event's sender how it went; runs in the poll thread."""
        outcome: Acknowledgement | LinesideError
        if error is None:
            self._refusal.clear()
            outcome = Acknowledgement(message.topic() or "", message.partition() or 0, message.offset() or 0)
        else:
            outcome = translate(error, " ".join(filter(None, (message.topic(), self._refusal.reason))))
            if error.code() == KafkaError._MSG_TIMED_OUT:  # noqa: SLF001 - librdkafka's own error
                self._replace()
            if error.code() in _PURGED and self._closed:
                self._given_up += 1
        try:
            delivered(outcome)
        except Exception:  # foreign code: its failure must not keep the other events from being reported
            _log.exception("the callback of an event for %s failed", message.topic())
        finally:
            self._finish(settle)

    def _finish(self, settle: Settle | None) -> None:
        if settle is not None:
            settle()
        with self._lock:
            self._open -= 1
            if not self._open:
                self._idle.notify_all()

    def _poll(self) -> None:
        while not self._stop.is_set():
            self._poll_once(self._producer)
            if self._former is not None:
                self._retire(self._former)

    def _poll_once(self, producer: Producer) -> None:
        try:
            producer.poll(_POLL_S)
        except KafkaException as error:
            # It gave up for ever, and says so at each call; senders are told by ``produce``. What is still open has to
            # be reported nevertheless, or close() would wait for it.
            if not self._fatal_told:
                _log.error("%s", translate(error.args[0], "the producer gave up"))
            self._fatal_told = True
            self._stop.wait(_POLL_S)

    def _new_producer(self) -> Producer:
        return Producer(self._options, logger=logging.getLogger("librdkafka"))

    def _replace(self) -> None:
        """Go on with another producer: what is sent from now on goes there."""
        if self._former is None and not self._closed:
            with self._replacing:
                self._former, self._producer = self._producer, self._new_producer()

    def _retire(self, former: Producer) -> None:
        """What ``former`` still has failed, like what timed out, and its senders are told so."""
        former.purge()
        give_up_at = time.monotonic() + _PURGE_TIMEOUT_S
        while len(former) and time.monotonic() < give_up_at:
            self._poll_once(former)
        self._former = None
