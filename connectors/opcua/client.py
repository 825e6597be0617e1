"""The subscriptions to one PLC's server: connects once, lets asyncua restore lost links, notices when that fails."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Final

import structlog
from asyncua import Client, ua
from asyncua.client.ua_client import UaClientState
from asyncua.common.subscription import DataChangeEvent, StatusChangeEvent
from asyncua.observer import Observer, SubscriptionEvent

from connectors.errors import SourceUnavailable
from connectors.opcua.kept_subscription import KeptSubscription
from connectors.opcua.node_address import field_of
from connectors.opcua.node_resolution import NodeResolution
from connectors.opcua.plain_value import plain_value
from connectors.opcua.publish_gate import PublishGate
from connectors.opcua.rate_subscription import RateSubscription
from connectors.opcua.refusal import LINK_ERRORS, unavailable
from connectors.opcua.republish_limit import RepublishLimit
from connectors.opcua.secure_client import CertificateSeen, ClientName, connect, secure_client
from connectors.opcua.settings import OpcUaSettings
from connectors.opcua.tag import MonitoredTag, Tag, by_publishing_rate, monitored_tags
from connectors.opcua.tag_history import Sample

# asyncua doubles its pause from 1 s to this; longer ones would add as much to every outage.
_RECONNECT_LONGEST_S: Final = 5.0
# Beyond this a new client is worth more than the old one's state: the session is gone from the server by then.
_RECONNECTING_AT_MOST_S: Final = 75.0
# Each tag's present value follows a subscription within one publishing interval; a server that re-created only some of
# the items would otherwise stay half silent.
_FIRST_VALUES_S: Final = 10.0
_HEALTH_INTERVAL_S: Final = 0.1
# Redundant servers change their service level when they change roles; asking more often is traffic for nothing.
_SERVER_STATUS_S: Final = 5.0
_DISCONNECT_S: Final = 0.8


class LinkState(Enum):
    """Where the link to the server stands."""

    OFFLINE = "offline"  # not yet, or between two attempts
    CONNECTING = "connecting"  # until every tag has sent its present value
    SUBSCRIBED = "subscribed"
    RECONNECTING = "reconnecting"  # the link was lost; asyncua restores it
    CLOSED = "closed"


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkHandler:
    """What the link calls, in its event loop. ``room`` returns when values may come."""

    value: Callable[[Tag, Sample], None]
    gap: Callable[[Collection[Tag]], None]  # of these tags, values may be missing until their next one
    state: Callable[[LinkState, str], None]
    room: Callable[[], Awaitable[None]]
    server_status: Callable[[int, int], None]  # ServerState, ServiceLevel
    certificate: CertificateSeen


class PlcLink:
    """One client from connect to disconnect.

    Values come in the server's order per tag; after a lost link the handler is told of the gap unless the server had
    kept everything.
    """

    def __init__(self, settings: OpcUaSettings, handler: LinkHandler) -> None:
        self._settings = settings
        self._handler = handler
        self._log = structlog.get_logger("connectors.opcua", endpoint=settings.endpoint)
        self._tags = monitored_tags(settings)
        self._nodes: Mapping[Tag, ua.NodeId] = {}
        self._subscriptions: list[RateSubscription] = []
        self._silent: dict[Tag, float] = {}  # tags that have not sent their present value, since when
        self._nodes_checked = True

    async def follow(self) -> None:
        """Connect, subscribe, and pass values on until cancelled. SourceUnavailable when it cannot go on.

        The session is closed at the end, whatever the reason.
        """
        self._handler.state(LinkState.CONNECTING, "connecting")
        client: Client | None = None
        try:
            name = ClientName(role="connector", line=self._settings.line)
            client = await secure_client(self._settings, name, seen=self._handler.certificate)
            await self._follow(client)
        except LINK_ERRORS as error:
            raise unavailable(error) from error
        finally:
            if client is not None:
                with contextlib.suppress(*LINK_ERRORS):
                    await asyncio.wait_for(client.disconnect(), timeout=_DISCONNECT_S)

    async def _follow(self, client: Client) -> None:
        RepublishLimit.apply(client.uaclient.session)
        KeptSubscription.apply(client.uaclient.session)
        PublishGate.apply(client)
        await connect(client, reconnect_longest_s=_RECONNECT_LONGEST_S)
        client.uaclient.observer = _Recreation(self._made_anew)
        if any(one.address.field for one in self._tags):
            await client.load_data_type_definitions()
        self._nodes = await self._resolve(client)
        for rate, tags in by_publishing_rate(self._tags).items():
            self._awaits([one.tag for one in tags])
            self._subscriptions.append(await RateSubscription.open(client, rate, tags, self._nodes))
        await _first_of(
            self._watch(client), self._follow_status(client), *(self._read(one) for one in self._subscriptions)
        )

    async def _resolve(self, client: Client) -> Mapping[Tag, ua.NodeId]:
        """Node ids of all tags as the server numbers them now."""
        settings = self._settings
        resolution = await NodeResolution.open(client, namespace=settings.namespace, aliases=settings.namespaces)
        return {one.tag: (await resolution.node(one.address)).nodeid for one in self._tags}

    def _awaits(self, tags: Collection[Tag]) -> None:
        """These tags will send their present value; until then some may be missing."""
        now = asyncio.get_running_loop().time()
        self._silent |= dict.fromkeys(tags, now)
        self._handler.gap(tags)

    def _made_anew(self, subscription_id: int | None) -> None:
        """The server had lost a subscription and asyncua has made another: values may be missing."""
        self._nodes_checked = False
        for one in self._subscriptions:
            # After a restart of the server an old number may be the new one of another: both are counted then.
            if one.subscription.subscription_id == subscription_id:
                self._awaits(one.names)

    async def _read(self, one: RateSubscription) -> None:
        tags = one.tags
        async for event in one.subscription:
            if isinstance(event, DataChangeEvent):
                monitored = tags.get(event.data.monitored_item.ClientHandle)
                if monitored is not None:
                    self._handler.value(monitored.tag, _sample(event, monitored))
                    self._silent.pop(monitored.tag, None)
            elif isinstance(event, StatusChangeEvent):
                self._log.warning("subscription_status", status=event.notification.Status.name)
            await self._handler.room()
        raise SourceUnavailable("the server ended the subscription")

    async def _watch(self, client: Client) -> None:
        """Follow the state of the link; give up on one that does not come back whole."""
        loop = asyncio.get_running_loop()
        lost_since: float | None = None
        while True:
            await asyncio.sleep(_HEALTH_INTERVAL_S)
            now = loop.time()
            if client.state is not UaClientState.CONNECTED:
                lost_since = lost_since or now
                self._handler.state(LinkState.RECONNECTING, "the link was lost")
                if now - lost_since > _RECONNECTING_AT_MOST_S:
                    raise SourceUnavailable(f"not reconnected within {_RECONNECTING_AT_MOST_S:g} s")
                continue
            lost_since = None
            if any(one.has_overflowed for one in self._subscriptions):
                raise SourceUnavailable("values come faster than they can be passed on")
            if not self._nodes_checked:
                await self._check_nodes(client)
                self._nodes_checked = True
            self._tell_state(now)

    def _tell_state(self, now: float) -> None:
        if not self._silent:
            self._handler.state(LinkState.SUBSCRIBED, "")
            return
        names = ", ".join(sorted(tag.name for tag in self._silent))
        slowest_s = max(one.publishing_ms for one in self._tags) / 1000
        if now - min(self._silent.values()) > _FIRST_VALUES_S + slowest_s:
            raise SourceUnavailable(f"no value of {names} within {_FIRST_VALUES_S + slowest_s:g} s")
        self._handler.state(LinkState.CONNECTING, f"waiting for {names}")

    async def _check_nodes(self, client: Client) -> None:
        """A server that was restarted may number its nodes anew; asyncua subscribed the old numbers."""
        if await self._resolve(client) != self._nodes:
            raise SourceUnavailable("the server numbers its nodes anew")

    async def _follow_status(self, client: Client) -> None:
        """Tell the server's own opinion of itself, while there is a link; a server without one is no less of use."""
        while True:
            if client.state is UaClientState.CONNECTED:
                with contextlib.suppress(*LINK_ERRORS):
                    state, level = await client.read_values([client.nodes.server_state, client.nodes.service_level])
                    self._handler.server_status(int(state), int(level))
            await asyncio.sleep(_SERVER_STATUS_S)


class _Recreation(Observer):
    """Hears from asyncua that a subscription was made anew."""

    def __init__(self, made_anew: Callable[[int | None], None]) -> None:
        self._made_anew = made_anew

    def on_subscription_event(self, subscription_id: int | None, event: SubscriptionEvent) -> None:
        if event is SubscriptionEvent.RECREATED:
            self._made_anew(subscription_id)


async def _first_of(*works: Coroutine[None, None, None]) -> None:
    """Run several coroutines until one ends, with its result; the others are cancelled."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def _sample(event: DataChangeEvent, monitored: MonitoredTag) -> Sample:
    value = event.data.monitored_item.Value
    field = monitored.address.field
    server_at = _aware(value.ServerTimestamp)
    return Sample(
        _aware(value.SourceTimestamp) or server_at or datetime.now(UTC),
        plain_value(field_of(event.value, field) if field else event.value),
        value.StatusCode.value,
        server_at,
    )


def _aware(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at
