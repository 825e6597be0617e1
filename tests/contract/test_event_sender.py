"""What every event sender promises (wire/event_sender.py), on the embedded broker and on Apache Kafka."""

import logging
import threading
from collections import Counter
from datetime import UTC, datetime

import pytest
from aiokafka.partitioner import DefaultPartitioner
from confluent_kafka import Producer

from tests.components.ports import free_port
from tests.components.waiting import wait_until
from tests.contract.brokers import PARTITIONS, Broker
from wire.cloudevents import CloudEvent, from_kafka
from wire.errors import BadInput, BrokerUnavailable, ConfigurationError, LinesideError
from wire.event_sender import Acknowledgement
from wire.kafka import sender as sender_module
from wire.kafka.async_send import send_and_wait, send_raw_and_wait
from wire.kafka.reader import RawRecord, read_topic
from wire.kafka.sender import MESSAGE_LIMIT_BYTES, KafkaSender
from wire.kafka.settings import KafkaSettings

KEY = "site.area.line1"
FLUSH_S = 30.0


class Outcomes:
    """Collects what the callbacks were told, by event."""

    def __init__(self) -> None:
        self.of: dict[str, list[Acknowledgement | LinesideError]] = {}
        self.threads: set[threading.Thread] = set()

    def callback(self, name: str):  # type: ignore[no-untyped-def]
        told = self.of.setdefault(name, [])

        def delivered(outcome: Acknowledgement | LinesideError) -> None:
            self.threads.add(threading.current_thread())
            told.append(outcome)

        return delivered

    def counts(self) -> Counter[int]:
        return Counter(len(told) for told in self.of.values())

    def kinds(self) -> set[type]:
        return {type(outcome) for told in self.of.values() for outcome in told}


def event(name: str, data: bytes = b"payload") -> CloudEvent:
    return CloudEvent(id=name, source="s", type="t", time=datetime(2026, 3, 4, tzinfo=UTC), data=data)


def ids(records: list[RawRecord]) -> list[str]:
    return [from_kafka(record.headers, record.value).id for record in records]


def test_events_of_one_key_arrive_in_the_order_they_were_sent(broker: Broker) -> None:
    topic, outcomes = broker.create_topic(), Outcomes()
    with KafkaSender(broker.settings, "test") as sender:
        for number in range(500):
            sender.send(topic, KEY, event(str(number)), outcomes.callback(str(number)))
        assert sender.flush(FLUSH_S) == 0
    assert ids(list(read_topic(broker.settings, topic))) == [str(number) for number in range(500)]


def test_every_callback_is_called_once_and_never_in_the_callers_thread(broker: Broker) -> None:
    topic, outcomes = broker.create_topic(), Outcomes()
    with KafkaSender(broker.settings, "test") as sender:
        for number in range(200):
            sender.send(topic, f"a.b.{number % 7}", event(str(number)), outcomes.callback(str(number)))
        assert sender.flush(FLUSH_S) == 0
        assert outcomes.counts() == {1: 200}
    assert outcomes.counts() == {1: 200}
    assert outcomes.kinds() == {Acknowledgement}
    assert threading.current_thread() not in outcomes.threads


def test_an_acknowledgement_says_where_the_record_lies(broker: Broker) -> None:
    topic, outcomes = broker.create_topic(), Outcomes()
    with KafkaSender(broker.settings, "test") as sender:
        for number in range(20):
            sender.send(topic, f"a.b.{number}", event(str(number)), outcomes.callback(str(number)))
        sender.flush(FLUSH_S)
    places = {name: told[0] for name, told in outcomes.of.items()}
    found = {
        name: (record.topic, record.partition, record.offset)
        for record in read_topic(broker.settings, topic)
        for name in ids([record])
    }
    assert found == {
        name: (place.topic, place.partition, place.offset)
        for name, place in places.items()
        if isinstance(place, Acknowledgement)
    }


def test_a_key_lies_on_the_partition_that_its_readers_compute(broker: Broker) -> None:
    topic, outcomes = broker.create_topic(), Outcomes()
    keys = [f"plant{n}.hall-{n % 3}.line_{n * n}" for n in range(40)] + ["Werk.Süd.Linie"]
    with KafkaSender(broker.settings, "test") as sender:
        for key in keys:
            sender.send(topic, key, event(key), outcomes.callback(key))
        sender.flush(FLUSH_S)
    everything = list(range(PARTITIONS))
    murmur2 = DefaultPartitioner()
    expected = {key: murmur2(key.encode(), everything, everything) for key in keys}
    assert {key: told[0].partition for key, told in outcomes.of.items()} == expected  # type: ignore[union-attr]
    assert len(set(expected.values())) == PARTITIONS


def test_many_threads_may_send_at_once(broker: Broker) -> None:
    topic, outcomes = broker.create_topic(), Outcomes()
    with KafkaSender(broker.settings, "test") as sender:

        def send(line: int) -> None:
            for number in range(100):
                name = f"{line}/{number}"
                sender.send(topic, f"a.b.{line}", event(name), outcomes.callback(name))

        threads = [threading.Thread(target=send, args=(line,)) for line in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sender.flush(FLUSH_S) == 0
    read = ids(list(read_topic(broker.settings, topic)))
    for line in range(4):
        assert [name for name in read if name.startswith(f"{line}/")] == [f"{line}/{n}" for n in range(100)]
    assert outcomes.counts() == {1: 400}


def test_a_raw_record_passes_byte_for_byte(broker: Broker) -> None:
    topic, outcomes = broker.create_topic(), Outcomes()
    headers = [("ce_id", b"\xff\x00"), ("ce_id", b"again"), ("null", None), ("", b"")]
    with KafkaSender(broker.settings, "test") as sender:
        sender.send_raw(topic, b"\xffkey", b"\x00\xff" * 10, headers, outcomes.callback("full"))
        sender.send_raw(topic, None, None, [], outcomes.callback("empty"))
        assert sender.flush(FLUSH_S) == 0
    records = {record.key: record for record in read_topic(broker.settings, topic)}
    assert (records[b"\xffkey"].value, list(records[b"\xffkey"].headers)) == (b"\x00\xff" * 10, headers)
    assert (records[None].value, list(records[None].headers)) == (None, [])
    assert outcomes.counts() == {1: 2}


def test_a_callback_that_fails_is_logged_and_hides_no_other_outcome(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    topic, outcomes = broker.create_topic(), Outcomes()

    def fail(outcome: Acknowledgement | LinesideError) -> None:
        raise RuntimeError("not my day")

    with caplog.at_level(logging.ERROR), KafkaSender(broker.settings, "test") as sender:
        sender.send(topic, KEY, event("bad"), fail)
        sender.send(topic, KEY, event("good"), outcomes.callback("good"))
        assert sender.flush(FLUSH_S) == 0
    assert f"the callback of an event for {topic} failed" in caplog.text
    assert "not my day" in caplog.text
    assert outcomes.counts() == {1: 1}


def test_a_callback_may_send_the_next_event(broker: Broker) -> None:
    topic, outcomes = broker.create_topic(), Outcomes()
    with KafkaSender(broker.settings, "test") as sender:
        second = outcomes.callback("second")
        sender.send(topic, KEY, event("first"), lambda _: sender.send(topic, KEY, event("second"), second))
        wait_until(lambda: outcomes.counts() == {1: 1}, FLUSH_S, "the event that a callback sent")
    assert ids(list(read_topic(broker.settings, topic))) == ["first", "second"]


def test_a_payload_that_needed_a_claim_check_is_refused(broker: Broker) -> None:
    topic, outcomes = broker.create_topic(), Outcomes()
    with KafkaSender(broker.settings, "test") as sender:
        sender.send(topic, KEY, event("fits", bytes(MESSAGE_LIMIT_BYTES)), outcomes.callback("fits"))
        with pytest.raises(
            BadInput,
            match=f"too_large: event big for {topic} has 900001 bytes, the limit is 900000: "
            "put the payload into the object store and send a claim on it",
        ):
            sender.send(topic, KEY, event("big", bytes(MESSAGE_LIMIT_BYTES + 1)), outcomes.callback("big"))
        with pytest.raises(BadInput, match=f"too_large: {topic}: .*MSG_SIZE_TOO_LARGE"):
            sender.send_raw(topic, None, bytes(3 * 1024 * 1024), [], outcomes.callback("big"))
        assert sender.flush(FLUSH_S) == 0
    assert outcomes.of["big"] == []
    assert [type(outcome) for outcome in outcomes.of["fits"]] == [Acknowledgement]


def test_a_closed_sender_refuses_and_closing_twice_is_harmless(broker: Broker) -> None:
    sender = KafkaSender(broker.settings, "test")
    assert sender.close(FLUSH_S) == 0
    assert sender.close(FLUSH_S) == 0
    with pytest.raises(BrokerUnavailable, match="this sender is closed"):
        sender.send("x", KEY, event("late"), lambda _: None)


async def test_the_acknowledgement_can_be_awaited(broker: Broker) -> None:
    topic = broker.create_topic()
    with KafkaSender(broker.settings, "test") as sender:
        first = await send_and_wait(sender, topic, KEY, event("1"))
        second = await send_raw_and_wait(sender, topic, KEY.encode(), b"", [("ce_id", b"2")])
        with pytest.raises(BadInput, match="too_large"):
            await send_and_wait(sender, topic, KEY, event("3", bytes(MESSAGE_LIMIT_BYTES + 1)))
    assert (first.partition, first.offset, second.offset) == (second.partition, 0, 1)


def test_flush_counts_what_is_still_open_and_close_gives_it_up(fragile_broker: Broker) -> None:
    topic, outcomes = fragile_broker.create_topic(), Outcomes()
    sender = KafkaSender(fragile_broker.settings, "test")
    sender.send(topic, KEY, event("before"), outcomes.callback("before"))
    assert sender.flush(FLUSH_S) == 0
    fragile_broker.stop()
    for number in range(10):
        sender.send(topic, KEY, event(str(number)), outcomes.callback(str(number)))
    assert sender.flush(0.1) == 10
    assert sender.close(0.1) == 10
    assert outcomes.counts() == {1: 11}
    told = outcomes.of["7"][0]
    assert isinstance(told, BrokerUnavailable)
    assert str(told).startswith(f"{topic}: Local: Purged in")


async def test_an_awaited_event_that_is_given_up_raises(embedded: Broker) -> None:
    topic = embedded.create_topic()
    sender = KafkaSender(embedded.settings, "test")
    embedded.stop()
    closer = threading.Timer(0.1, sender.close, args=(0.1,))
    closer.start()
    with pytest.raises(BrokerUnavailable, match="Purged"):
        await send_and_wait(sender, topic, KEY, event("1"))
    closer.join()


def test_a_full_queue_says_when_to_try_again(embedded: Broker) -> None:
    topic, outcomes = embedded.create_topic(), Outcomes()
    sender = KafkaSender(embedded.settings, "test")
    sender.send(topic, KEY, event("before"), outcomes.callback("before"))
    sender.flush(FLUSH_S)
    embedded.stop()
    large = bytes(800_000)

    def fill() -> None:
        for number in range(200):
            sender.send(topic, KEY, event(str(number), large), outcomes.callback(str(number)))

    with pytest.raises(BrokerUnavailable, match=rf"{topic}: \d\d messages are waiting for the broker") as raised:
        fill()
    assert 0 < raised.value.retry_after_s <= 1
    # 64 MiB hold 83 of these; the one that was refused is not counted and never told anything.
    queued = [name for name, told in outcomes.of.items() if name != "before"]
    assert 80 <= len(queued) <= 85
    assert sender.close(0.0) == len(queued) - 1
    assert outcomes.counts() == {1: len(queued), 0: 1}


def test_an_outage_of_the_broker_loses_nothing_and_doubles_nothing(fragile_broker: Broker) -> None:
    topic, outcomes = fragile_broker.create_topic(), Outcomes()
    names = [str(number) for number in range(600)]
    with KafkaSender(fragile_broker.settings, "test") as sender:

        def send(some: list[str]) -> None:
            for name in some:
                sender.send(topic, KEY, event(name), outcomes.callback(name))

        send(names[:200])
        fragile_broker.stop()
        send(names[200:400])
        fragile_broker.start()
        send(names[400:])
        assert sender.flush(FLUSH_S) == 0
    assert outcomes.counts() == {1: 600}
    assert outcomes.kinds() == {Acknowledgement}
    assert ids(list(read_topic(fragile_broker.settings, topic))) == names


def test_a_producer_that_never_finds_the_broker_again_is_replaced(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """librdkafka issue 5430: after a broker's restart a producer may wait for ever for a leader that has long been."""
    producers: list[Producer] = []

    def first_one_is_lost(options: dict[str, object], **rest: object) -> Producer:
        lost = {"bootstrap.servers": f"127.0.0.1:{free_port()}"} if not producers else {}
        producers.append(Producer({**options, **lost}, **rest))
        return producers[-1]

    monkeypatch.setattr(sender_module, "Producer", first_one_is_lost)
    monkeypatch.setitem(sender_module._PRODUCER, "delivery.timeout.ms", 2_000)
    topic, outcomes = broker.create_topic(), Outcomes()
    with KafkaSender(broker.settings, "test") as sender:
        for number in range(20):
            sender.send(topic, KEY, event(f"lost {number}"), outcomes.callback(f"lost {number}"))
        assert sender.flush(FLUSH_S) == 0
        assert outcomes.kinds() == {BrokerUnavailable}
        # As a publisher does: what failed is sent again.
        for number in range(20):
            sender.send(topic, KEY, event(f"lost {number}"), outcomes.callback(f"again {number}"))
        assert sender.flush(FLUSH_S) == 0
    assert outcomes.counts() == {1: 40}
    assert all(isinstance(outcomes.of[f"again {number}"][0], Acknowledgement) for number in range(20))
    assert len(producers) == 2
    assert ids(list(read_topic(broker.settings, topic))) == [f"lost {number}" for number in range(20)]


def test_an_option_that_librdkafka_does_not_know_is_a_configuration_error() -> None:
    settings = KafkaSettings.model_validate({"bootstrap": "127.0.0.1:1", "options": {"securty.protocol": "SSL"}})
    with pytest.raises(
        ConfigurationError, match=r'broker\.options: No such configuration property: "securty\.protocol"'
    ):
        KafkaSender(settings, "test")
