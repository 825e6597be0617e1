"""Topics as the product needs them, and the name of a cluster."""

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from tests.components.kafka import RealKafka
from tests.contract.brokers import Broker
from wire import topics
from wire.errors import BrokerUnavailable, ConfigurationError
from wire.kafka.embedded import EmbeddedBroker
from wire.kafka.settings import KafkaSettings
from wire.kafka.topics_admin import cluster_id, ensure_topics


@pytest.mark.slow
def test_missing_topics_are_created_with_the_brokers_timestamps_and_others_refused(own_kafka: RealKafka) -> None:
    settings = KafkaSettings(bootstrap=own_kafka.bootstrap)
    own_kafka.create_topic(topics.RESULTS, message_timestamp_type="CreateTime")
    with pytest.raises(
        ConfigurationError,
        match=r"^topic lineside\.results: message\.timestamp\.type is CreateTime, set it to LogAppendTime$",
    ):
        ensure_topics(settings, 6)
    own_kafka.delete_topic(topics.RESULTS)
    own_kafka.create_topic(topics.RESULTS, partitions=2, message_timestamp_type="LogAppendTime")
    assert set(ensure_topics(settings, 6)) == set(topics.with_dead_letters()) - {topics.RESULTS}
    assert ensure_topics(settings, 6) == []

    admin = AdminClient(settings.librdkafka())
    found = admin.list_topics(timeout=10).topics
    assert {name: len(found[name].partitions) for name in topics.with_dead_letters()} == {
        name: 2 if name == topics.RESULTS else 6 for name in topics.with_dead_letters()
    }
    for name, limit in ((topics.FRAMES, "1048576"), (topics.dlq(topics.FRAMES), "2097152")):
        [answer] = admin.describe_configs([ConfigResource(ResourceType.TOPIC, name)]).values()
        config = answer.result()
        assert (config["message.timestamp.type"].value, config["max.message.bytes"].value) == ("LogAppendTime", limit)


def test_the_embedded_broker_brings_its_topics_itself(embedded: Broker) -> None:
    assert ensure_topics(embedded.settings, 6) == []


def test_a_cluster_keeps_its_name(broker: Broker) -> None:
    assert cluster_id(broker.settings) == cluster_id(broker.settings) != ""


def test_two_lives_of_the_embedded_broker_have_different_names() -> None:
    names = set()
    for _ in range(5):
        with EmbeddedBroker([], 1) as broker:
            names.add(cluster_id(KafkaSettings(bootstrap=broker.bootstrap, embedded=True)))
    assert len(names) == 5


def test_a_broker_that_does_not_answer_is_unavailable() -> None:
    nowhere = KafkaSettings(bootstrap="127.0.0.1:1")
    with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1:1: "):
        ensure_topics(nowhere, 1, timeout_s=0.2)
    with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1:1: "):
        cluster_id(nowhere, timeout_s=0.2)
