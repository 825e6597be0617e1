"""One subscription at a server: the tags of one publishing rate."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import structlog
from asyncua import Client, ua
from asyncua.common.subscription import OverflowPolicy, Subscription

from connectors.errors import SourceUnavailable
from connectors.opcua.tag import MonitoredTag, Tag

# asyncua makes a subscription anew that was silent for one and a half of these. Shorter: that comes before a black hole
# is noticed (5 s between probes, 5 s for the answer), and what the server kept for the old one is lost.
_KEEP_ALIVE_S: Final = 10.0
# Longer than a session: the values that a server keeps for a lost client are worth as much as its session.
_LIFETIME_S: Final = 120.0
# Values between server and mapping: 5 s at 20 000 per second. Beyond, the link is made anew, which marks a gap; asyncua
# would drop the oldest without a trace.
_QUEUE_VALUES: Final = 100_000
_NO_FILTER: Final = (
    ua.StatusCodes.BadMonitoredItemFilterUnsupported,
    ua.StatusCodes.BadFilterNotAllowed,
    ua.StatusCodes.BadMonitoredItemFilterInvalid,
    ua.StatusCodes.BadDeadbandFilterInvalid,
)
# Several of these may go into one request; servers limit how many (MaxMonitoredItemsPerCall), 1 000 at the least known.
_ITEMS_PER_CALL: Final = 500


class RateSubscription:
    """``tags``: what the handle of a value stands for, across every life of the subscription."""

    def __init__(self, subscription: Subscription, tags: Mapping[int, MonitoredTag]) -> None:
        self.subscription = subscription
        self.tags = tags
        self.has_overflowed = False
        subscription.set_overflow_disconnect_handler(self._overflow)

    def _overflow(self) -> None:
        self.has_overflowed = True

    @property
    def names(self) -> set[Tag]:
        """The tags, without how they are asked for."""
        return {one.tag for one in self.tags.values()}

    @classmethod
    async def open(
        cls, client: Client, publishing_ms: float, tags: Sequence[MonitoredTag], nodes: Mapping[Tag, ua.NodeId]
    ) -> "RateSubscription":
        """Create it and monitor every tag. SourceUnavailable names the tag that the server refuses."""
        parameters = ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=publishing_ms,
            RequestedLifetimeCount=ua.UInt32(max(3.0, _LIFETIME_S * 1000 / publishing_ms)),
            RequestedMaxKeepAliveCount=ua.UInt32(max(1.0, _KEEP_ALIVE_S * 1000 / publishing_ms)),
            MaxNotificationsPerPublish=ua.UInt32(10_000),
            PublishingEnabled=True,
        )
        subscription = await client.create_subscription(
            parameters, queue_maxsize=_QUEUE_VALUES, overflow=OverflowPolicy.DISCONNECT
        )
        handles = dict(enumerate(tags, start=1))
        for chunk in _chunks(list(handles.items())):
            await _monitor(subscription, chunk, nodes)
        return cls(subscription, handles)


def _chunks(items: Sequence[tuple[int, MonitoredTag]]) -> Iterator[Sequence[tuple[int, MonitoredTag]]]:
    for begin in range(0, len(items), _ITEMS_PER_CALL):
        yield items[begin : begin + _ITEMS_PER_CALL]


async def _monitor(
    subscription: Subscription, items: Sequence[tuple[int, MonitoredTag]], nodes: Mapping[Tag, ua.NodeId]
) -> None:
    requests = [_request(handle, one, nodes[one.tag]) for handle, one in items]
    results = await subscription.create_monitored_items(requests)
    refused = [(item, result) for item, result in zip(items, results, strict=True) if isinstance(result, ua.StatusCode)]
    for (handle, one), status in refused:
        # Deadbands save traffic; a tag of text, or a server without them, still has its value.
        if status.value in _NO_FILTER and _filter(one) is not None:
            log = structlog.get_logger("connectors.opcua")
            log.warning("deadband_refused", tag=one.tag.name, status=status.name)
            plain = _request(handle, one, nodes[one.tag], with_filter=False)
            (status_or_id,) = await subscription.create_monitored_items([plain])
            if not isinstance(status_or_id, ua.StatusCode):
                continue
            status = status_or_id
        raise SourceUnavailable(f"the server refuses to monitor {one.tag.name} ({one.address.text}): {status.name}")


def _request(
    handle: int, one: MonitoredTag, node_id: ua.NodeId, *, with_filter: bool = True
) -> ua.MonitoredItemCreateRequest:
    parameters = ua.MonitoringParameters(
        ClientHandle=ua.UInt32(handle),
        SamplingInterval=ua.Double(one.sampling_ms),
        QueueSize=ua.UInt32(one.queue_size),
        DiscardOldest=True,
    )
    deadband = _filter(one) if with_filter else None
    if deadband is not None:
        parameters.Filter = deadband
    return ua.MonitoredItemCreateRequest(
        ItemToMonitor=ua.ReadValueId(NodeId=node_id, AttributeId=ua.AttributeIds.Value),
        MonitoringMode=ua.MonitoringMode.Reporting,
        RequestedParameters=parameters,
    )


def _filter(one: MonitoredTag) -> ua.DataChangeFilter | None:
    kind, value = (
        (ua.DeadbandType.Absolute, one.deadband)
        if one.deadband is not None
        else (ua.DeadbandType.Percent, one.deadband_percent)
    )
    if value is None:
        return None
    return ua.DataChangeFilter(
        Trigger=ua.DataChangeTrigger.StatusValue, DeadbandType=ua.UInt32(kind), DeadbandValue=ua.Double(value)
    )
