"""Brokers as fixtures: the embedded one, and Apache Kafka where it is installed."""

from collections.abc import Iterator

import pytest

from tests.contract.brokers import Broker, embedded_broker, real_broker


@pytest.fixture
def embedded() -> Iterator[Broker]:
    """An embedded broker of this test alone."""
    with embedded_broker() as broker:
        yield broker


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def broker(request: pytest.FixtureRequest) -> Broker:
    """A broker that stays up, of either kind."""
    if request.param == "kafka":
        return real_broker(request.getfixturevalue("kafka"))
    return request.getfixturevalue("embedded")  # type: ignore[no-any-return]


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=[pytest.mark.kafka, pytest.mark.slow])])
def fragile_broker(request: pytest.FixtureRequest) -> Broker:
    """A broker of this test alone, of either kind, to stop and start."""
    if request.param == "kafka":
        return real_broker(request.getfixturevalue("own_kafka"))
    return request.getfixturevalue("embedded")  # type: ignore[no-any-return]
