"""What Lineside adds to aiokafka's consumer; its commits are tested on real Faust (tests/pipeline/stream)."""

import time

from aiokafka.client import AIOKafkaClient

from stream.explicit_consumer import rest_when_nobody_tells


async def test_a_consumer_that_no_broker_answers_rests_between_its_questions() -> None:
    client = AIOKafkaClient(bootstrap_servers="127.0.0.1:9")
    rest_when_nobody_tells(client)
    begun = time.monotonic()
    for _ in range(3):
        assert not await client._metadata_update(client.cluster, [])
    assert time.monotonic() - begun > 0.25  # at once, and a thousand times a second, without the rest
