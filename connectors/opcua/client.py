"""The subscription to one PLC's server: connects once, lets asyncua restore lost links, notices when that fails."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Final

import structlog
from asyncua import Client, Node, ua
from asyncua.client.ua_client import UaClientState
from asyncua.common.subscription import DataChangeEvent, StatusChangeEvent, Subscription
from asyncua.observer import Observer, SubscriptionEvent

from connectors.errors import SourceUnavailable
from connectors.opcua.republish_limit import RepublishLimit
from connectors.opcua.settings import OpcUaSettings
from connectors.opcua.tag_history import Sample

_REQUEST_TIMEOUT_S: Final = 4.0
# asyncua's default of 1 s takes a slow server, or a second in which this process got no CPU, for a lost link.
_WATCHDOG_S: Final = 5.0
# A killed connector's session is gone from the server by then; a shorter one ends in a link cut of some seconds.
_SESSION_MS: Final = 30_000
_KEEP_ALIVE_S: Final = 5.0
_LIFETIME_S: Final = 60.0
# asyncua doubles its pause from 1 s to this; longer ones would add as much to every outage.
_RECONNECT_LONGEST_S: Final = 5.0
# Beyond this a new client is worth more than the old one's state; above the session timeout nothing is left to resume.
_RECONNECTING_AT_MOST_S: Final = 45.0
# Each tag's present value follows a subscription within one publishing interval; a server that re-created only some of
# the items would otherwise stay half silent.
_FIRST_VALUES_S: Final = 10.0
# Values between server and mapping: 5 s at 20 000 per second. Beyond, the oldest go, which the sequence shows.
_QUEUE_VALUES: Final = 100_000
_HEALTH_INTERVAL_S: Final = 0.1
_DISCONNECT_S: Final = 0.8


class LinkState(Enum):
    """Where the link to the server stands."""

    OFFLINE = "offline"  # not yet, or between two attempts
    CONNECTING = "connecting"  # until every tag has sent its present value
    SUBSCRIBED = "subscribed"
    RECONNECTING = "reconnecting"  # the link was lost; asyncua restores it
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Tag:
    """A configured tag: ``kind`` is ``context`` or ``sensor``."""

    kind: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LinkHandler:
    """What the link calls, in its event loop. ``room`` returns when values may come."""

    value: Callable[[Tag, Sample], None]
    gap: Callable[[], None]
    state: Callable[[LinkState, str], None]
    room: Callable[[], Awaitable[None]]


class PlcLink:
    """One client from connect to disconnect.

    Values come in the server's order per tag; after a lost link the handler is told of the gap unless the server had
    kept everything.
    """

    def __init__(self, settings: OpcUaSettings, handler: LinkHandler) -> None:
        self._settings = settings
        self._handler = handler
        self._log = structlog.get_logger("connectors.opcua", endpoint=settings.endpoint)
        self._client = Client(settings.endpoint, timeout=_REQUEST_TIMEOUT_S, watchdog_intervall=_WATCHDOG_S)
        self._client.name = self._client.description = f"Lineside connector of {settings.line}"
        self._client.application_uri = f"urn:lineside:connector:{settings.line}"
        self._client.session_timeout = _SESSION_MS
        RepublishLimit.apply(self._client.uaclient.session)
        self._tags: dict[ua.NodeId, Tag] = {}
        self._silent: set[Tag] = set()  # tags that have not sent their present value
        self._silent_since = 0.0
        self._nodes_checked = True
        self._client.uaclient.observer = _Recreation(self._made_anew)

    async def follow(self) -> None:
        """Connect, subscribe, and pass values on until cancelled. SourceUnavailable when it cannot go on.

        The session is closed at the end, whatever the reason.
        """
        self._handler.state(LinkState.CONNECTING, "connecting")
        try:
            await self._client.connect(auto_reconnect=True, reconnect_max_delay=_RECONNECT_LONGEST_S)
            self._tags = await self._resolve()
            subscription = await self._subscribe()
            await _first_of(self._read(subscription), self._watch())
        except (OSError, TimeoutError, ua.UaError) as error:
            raise SourceUnavailable(f"{type(error).__name__}: {error}") from error
        finally:
            with contextlib.suppress(OSError, TimeoutError, ua.UaError):
                await asyncio.wait_for(self._client.disconnect(), timeout=_DISCONNECT_S)

    async def _resolve(self) -> dict[ua.NodeId, Tag]:
        """Node ids by namespace URI and browse path, which both survive a server that numbers anew."""
        settings = self._settings
        try:
            index = await self._client.get_namespace_index(settings.namespace)
        except ValueError as error:
            raise SourceUnavailable(f"the server has no namespace {settings.namespace!r}") from error
        paths = {Tag("context", name): path for name, path in settings.context.paths().items()}
        paths |= {Tag("sensor", sensor.name): sensor.node for sensor in settings.sensors}
        return {(await self._node(index, path)).nodeid: tag for tag, path in paths.items()}

    async def _node(self, index: int, path: str) -> Node:
        names = [ua.QualifiedName(name, index) for name in path.split("/")]
        try:
            return await self._client.nodes.objects.get_child(names)
        except ua.UaError as error:
            raise SourceUnavailable(f"the server has no node {path!r} in {self._settings.namespace!r}") from error

    async def _subscribe(self) -> Subscription:
        asked = self._settings.subscription
        parameters = ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=asked.publishing_ms,
            RequestedLifetimeCount=ua.UInt32(_LIFETIME_S * 1000 / asked.publishing_ms),
            RequestedMaxKeepAliveCount=ua.UInt32(max(1.0, _KEEP_ALIVE_S * 1000 / asked.publishing_ms)),
            MaxNotificationsPerPublish=ua.UInt32(10_000),
            PublishingEnabled=True,
        )
        subscription = await self._client.create_subscription(parameters, queue_maxsize=_QUEUE_VALUES)
        self._made_anew()
        results = await subscription.subscribe_data_change(
            [self._client.get_node(node_id) for node_id in self._tags],
            queuesize=asked.queue_size,
            sampling_interval=ua.Double(asked.sampling_ms),
        )
        for tag, result in zip(self._tags.values(), results, strict=True):
            if isinstance(result, ua.StatusCode):
                raise SourceUnavailable(f"the server refuses to monitor {tag.name}: {result.name}")
        return subscription

    def _made_anew(self) -> None:
        """The server had lost the subscription and asyncua has made another: values may be missing."""
        self._silent = set(self._tags.values())
        self._silent_since = asyncio.get_running_loop().time()
        self._nodes_checked = False
        self._handler.gap()

    async def _read(self, subscription: Subscription) -> None:
        async for event in subscription:
            if isinstance(event, DataChangeEvent):
                tag = self._tags.get(event.node.nodeid)
                if tag is not None:
                    self._handler.value(tag, _sample(event))
                    self._silent.discard(tag)
            elif isinstance(event, StatusChangeEvent):
                self._log.warning("subscription_status", status=event.notification.Status.name)
            await self._handler.room()
        raise SourceUnavailable("the server ended the subscription")

    async def _watch(self) -> None:
        """Follow the state of the link; give up on one that does not come back whole."""
        loop = asyncio.get_running_loop()
        lost_since: float | None = None
        while True:
            await asyncio.sleep(_HEALTH_INTERVAL_S)
            now = loop.time()
            if self._client.state is not UaClientState.CONNECTED:
                lost_since = lost_since or now
                self._handler.state(LinkState.RECONNECTING, "the link was lost")
                if now - lost_since > _RECONNECTING_AT_MOST_S:
                    raise SourceUnavailable(f"not reconnected within {_RECONNECTING_AT_MOST_S:g} s")
                continue
            lost_since = None
            if not self._nodes_checked:
                await self._check_nodes()
                self._nodes_checked = True
            self._tell_state(now)

    def _tell_state(self, now: float) -> None:
        if not self._silent:
            self._handler.state(LinkState.SUBSCRIBED, "")
            return
        names = ", ".join(sorted(tag.name for tag in self._silent))
        if now - self._silent_since > _FIRST_VALUES_S:
            raise SourceUnavailable(f"no value of {names} within {_FIRST_VALUES_S:g} s")
        self._handler.state(LinkState.CONNECTING, f"waiting for {names}")

    async def _check_nodes(self) -> None:
        """A server that was restarted may number its nodes anew; asyncua subscribed the old numbers."""
        present: Mapping[ua.NodeId, Tag] = await self._resolve()
        if present != self._tags:
            raise SourceUnavailable("the server numbers its nodes anew")


class _Recreation(Observer):
    """Hears from asyncua that a subscription was made anew; its number does not tell, a restarted server repeats it."""

    def __init__(self, made_anew: Callable[[], None]) -> None:
        self._made_anew = made_anew

    def on_subscription_event(self, subscription_id: int | None, event: SubscriptionEvent) -> None:
        if event is SubscriptionEvent.RECREATED:
            self._made_anew()


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


def _sample(event: DataChangeEvent) -> Sample:
    value = event.data.monitored_item.Value
    at = value.SourceTimestamp or value.ServerTimestamp or datetime.now(UTC)
    return Sample(at.replace(tzinfo=UTC) if at.tzinfo is None else at, event.value, value.StatusCode.value)
