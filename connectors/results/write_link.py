"""A session with a PLC into which verdicts are written, with the handshake that tells whether it took them."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any, Final

import structlog
from asyncua import Client, Node, ua
from asyncua.client.ua_client import UaClientState
from asyncua.common.subscription import DataChangeEvent, Subscription

from connectors.errors import SourceUnavailable
from connectors.opcua.node_address import NodeAddress
from connectors.opcua.node_resolution import NodeResolution
from connectors.opcua.refusal import LINK_ERRORS, unavailable
from connectors.opcua.secure_client import ClientName, connect, secure_client
from connectors.results.settings import Acknowledgement, WriteSettings
from connectors.results.verdict import Outcome
from wire.inspection import Inspection

_DISCONNECT_S: Final = 0.8
# The echo of a PLC comes within one of its cycles; this adds half of it on average.
_ECHO_PUBLISHING_MS: Final = 20.0
_ECHO_QUEUE: Final = 100
_LARGEST: Final[Mapping[ua.VariantType, int]] = {
    ua.VariantType.SByte: 2**7 - 1, ua.VariantType.Byte: 2**8 - 1,
    ua.VariantType.Int16: 2**15 - 1, ua.VariantType.UInt16: 2**16 - 1,
    ua.VariantType.Int32: 2**31 - 1, ua.VariantType.UInt32: 2**32 - 1,
    ua.VariantType.Int64: 2**63 - 1, ua.VariantType.UInt64: 2**64 - 1,
}  # fmt: skip
_FLOATS: Final = frozenset({ua.VariantType.Float, ua.VariantType.Double})


class WriteLink:
    """Writes one verdict after the other. Made by ``open``; ``close`` ends the session."""

    def __init__(
        self, client: Client, settings: WriteSettings, nodes: Mapping[str, tuple[Node, ua.VariantType]], counter: int
    ) -> None:
        self._client = client
        self._settings = settings
        self._nodes = nodes
        self.counter = counter  # as the PLC has it
        self.echo: _Echo | None = None

    @classmethod
    async def open(cls, settings: WriteSettings, line: str) -> "WriteLink":
        """Connect, find every node and its type, listen for the echo. SourceUnavailable says why not."""
        client: Client | None = None
        try:
            client = await secure_client(settings, ClientName(role="result writer", line=line))
            await connect(client)
            return await cls._prepared(client, settings)
        except BaseException as error:
            if client is not None:
                await _disconnect(client)
            if isinstance(error, LINK_ERRORS):
                raise unavailable(error) from error
            raise

    @classmethod
    async def _prepared(cls, client: Client, settings: WriteSettings) -> "WriteLink":
        resolution = await NodeResolution.open(client, namespace=settings.namespace, aliases=settings.namespaces)
        nodes = {}
        for name, text in settings.nodes.paths().items():
            node = await resolution.node(NodeAddress.parse(text))
            nodes[name] = node, await node.read_data_type_as_variant_type()
        counter_node, kind = nodes["counter"]
        if kind not in _LARGEST:
            raise SourceUnavailable(f"{settings.nodes.counter} is a {kind.name}; the counter has to be an integer")
        link = cls(client, settings, nodes, int(await counter_node.read_value() or 0))
        if settings.acknowledge is not None:
            link.echo = await _Echo.open(client, resolution, settings.acknowledge)
        return link

    @property
    def is_alive(self) -> bool:
        """Whether the session stands, as far as is known."""
        return self._client.state is UaClientState.CONNECTED

    async def put_down(self, inspection: Inspection, *, late: bool) -> bool:
        """Write everything but the counter: the PLC does not look at it yet. False if the server refuses a value.

        SourceUnavailable if the link is lost: nothing has happened, another link may try again.
        """
        fields = [name for name in self._nodes if name != "counter"]
        values = [self._value(name, inspection, late=late) for name in fields]
        return await self._write([self._nodes[name][0] for name in fields], values)

    @property
    def next_counter(self) -> int:
        """What the counter becomes with the next result; 1 behind the largest of its type."""
        return self.counter % _LARGEST[self._nodes["counter"][1]] + 1

    async def signal(self, part_id: str) -> Outcome:
        """Write the counter, upon which the PLC takes the result, and wait for its echo.

        SourceUnavailable if the link is lost meanwhile: it may have arrived, which the counter will tell.
        """
        node, kind = self._nodes["counter"]
        counter = self.next_counter
        heard = self.echo.heard if self.echo is not None else 0
        if not await self._write([node], [ua.DataValue(ua.Variant(counter, kind))]):
            return Outcome.REFUSED
        self.counter = counter
        return await self.echoed(part_id, after=heard)

    async def echoed(self, part_id: str, *, after: int = 0) -> Outcome:
        """Wait for the echo of what the present counter stands for."""
        acknowledge = self._settings.acknowledge
        if self.echo is None or acknowledge is None:
            return Outcome.WRITTEN
        echoed = await self.echo.wait(part_id, self.counter, after=after, timeout_s=acknowledge.timeout_s)
        return Outcome.ACKNOWLEDGED if echoed else Outcome.UNACKNOWLEDGED

    async def close(self) -> None:
        """End the session."""
        if self.echo is not None:
            await self.echo.close()
        await _disconnect(self._client)

    async def _write(self, nodes: list[Node], values: list[ua.DataValue]) -> bool:
        try:
            results = await self._client.write_values(nodes, values, raise_on_partial_error=False)
        except LINK_ERRORS as error:
            raise unavailable(error) from error
        wrong = {
            node.nodeid.to_string(): status.name
            for node, status in zip(nodes, results, strict=True)
            if not status.is_good()
        }
        if wrong:
            structlog.get_logger("connectors.results").error("write_refused", nodes=wrong)
        return not wrong

    def _value(self, name: str, inspection: Inspection, *, late: bool) -> ua.DataValue:
        kind = self._nodes[name][1]
        # Servers of PLCs refuse a write that brings timestamps of its own, so there are none.
        return ua.DataValue(ua.Variant(_converted(self._plain(name, inspection, kind, late=late), kind), kind))

    def _plain(self, name: str, inspection: Inspection, kind: ua.VariantType, *, late: bool) -> Any:
        if name == "verdict":
            verdict = inspection.verdict
            return verdict.value if kind is ua.VariantType.String else self._settings.verdict_codes[verdict]
        return {
            "part_id": inspection.part_id,
            "late": late,
            "partial": inspection.is_partial,
            "score": inspection.score,
            "threshold": inspection.threshold,
            "result_id": str(inspection.inspection_id),
        }[name]


def _converted(value: Any, kind: ua.VariantType) -> Any:
    if kind is ua.VariantType.String:
        return "" if value is None else str(value)
    if kind in _FLOATS:
        return float("nan") if value is None else float(value)
    if kind is ua.VariantType.Boolean:
        return bool(value)
    if kind not in _LARGEST or isinstance(value, str):
        raise SourceUnavailable(f"{value!r} cannot be written to a node of type {kind.name}")
    return 0 if value is None else int(value)


class _Echo:
    """Hears what the PLC writes back."""

    def __init__(self, subscription: Subscription, names: Mapping[int, str]) -> None:
        self._subscription = subscription
        self._names = names
        self._values: dict[str, Any] = {}
        self.heard = 0  # notifications of the part id so far
        self._news = asyncio.Event()
        self._task = asyncio.create_task(self._listen())

    @classmethod
    async def open(cls, client: Client, resolution: NodeResolution, settings: Acknowledgement) -> "_Echo":
        addresses = {"part_id": settings.part_id, "counter": settings.counter}
        names = {handle: name for handle, (name, text) in enumerate(addresses.items(), start=1) if text is not None}
        subscription = await client.create_subscription(_ECHO_PUBLISHING_MS, queue_maxsize=_ECHO_QUEUE)
        requests = []
        for handle, name in names.items():
            node = await resolution.node(NodeAddress.parse(addresses[name] or ""))
            # A PLC may write the same part id again: with the timestamp as trigger that is news, too.
            news = ua.DataChangeFilter(Trigger=ua.DataChangeTrigger.StatusValueTimestamp)
            requests.append(
                ua.MonitoredItemCreateRequest(
                    ItemToMonitor=ua.ReadValueId(NodeId=node.nodeid, AttributeId=ua.AttributeIds.Value),
                    MonitoringMode=ua.MonitoringMode.Reporting,
                    RequestedParameters=ua.MonitoringParameters(
                        ClientHandle=ua.UInt32(handle), SamplingInterval=ua.Double(0.0), Filter=news,
                        QueueSize=ua.UInt32(10), DiscardOldest=True,
                    ),
                )
            )  # fmt: skip
        for result in await subscription.create_monitored_items(requests):
            if isinstance(result, ua.StatusCode):
                raise SourceUnavailable(f"the server refuses to monitor the acknowledgement: {result.name}")
        return cls(subscription, names)

    async def wait(self, part_id: str, counter: int, *, after: int, timeout_s: float) -> bool:
        """Whether the echo came in time; ``after``: only what was heard since counts, unless the counter is echoed."""

        def is_there() -> bool:
            if "counter" in self._names.values():
                return self._values.get("part_id") == part_id and self._values.get("counter") == counter
            return self.heard > after and self._values.get("part_id") == part_id

        with contextlib.suppress(TimeoutError, asyncio.TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not is_there():
                    self._news.clear()
                    await self._news.wait()
        return is_there()

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _listen(self) -> None:
        async for event in self._subscription:
            if isinstance(event, DataChangeEvent):
                name = self._names[event.data.monitored_item.ClientHandle]
                self._values[name] = event.value
                self.heard += name == "part_id"
                self._news.set()


async def _disconnect(client: Client) -> None:
    with contextlib.suppress(*LINK_ERRORS):
        await asyncio.wait_for(client.disconnect(), timeout=_DISCONNECT_S)
