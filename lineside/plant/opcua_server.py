"""The plant's PLC as others see it: one asyncua server, per line the context of the part and four sensor tags."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from asyncua import Node, ua
from asyncua.common.subscription import DataChangeNotif
from asyncua.server.internal_session import InternalSession
from asyncua.server.internal_subscription import InternalSubscription
from asyncua.server.server import Server

NAMESPACE: Final = "urn:lineside:plant"

CONTEXT_TAGS: Final[Mapping[str, tuple[ua.VariantType, int | str]]] = {
    "PartId": (ua.VariantType.String, ""),
    "TriggerSession": (ua.VariantType.String, ""),
    "Product": (ua.VariantType.String, ""),
    "Job": (ua.VariantType.String, ""),
    "Recipe": (ua.VariantType.String, ""),
    "PackMLState": (ua.VariantType.String, "Stopped"),
    # Last: readers take its change as the signal that everything above is valid for the new part.
    "PartCounter": (ua.VariantType.Int64, 0),
}
SENSOR_TAGS: Final[Mapping[str, str]] = {"Temperature": "°C", "Vibration": "mm/s", "Pressure": "bar", "Speed": "m/s"}

# Written by whoever brings verdicts, the counter last; the PLC echoes part id and counter.
RESULT_TAGS: Final[Mapping[str, tuple[ua.VariantType, int | str | bool]]] = {
    "ResultPartId": (ua.VariantType.String, ""),
    "ResultVerdict": (ua.VariantType.String, ""),
    "ResultLate": (ua.VariantType.Boolean, False),
    "ResultCounter": (ua.VariantType.UInt32, 0),
    "EchoPartId": (ua.VariantType.String, ""),
    "EchoCounter": (ua.VariantType.UInt32, 0),
}
# The cycle in which the PLC looks at the counter: a slow one.
_PLC_CYCLE_MS: Final = 50

Value = int | float | str
# Ids are 32 bits; a run counts on from its beginning by some thousands at most.
_ID_RANGE: Final = 2**31


@dataclass(frozen=True, kw_only=True)
class TagWrite:
    """One value of one tag, with the moment at which the PLC took it."""

    line: str  # short name
    tag: str
    value: Value
    source_at: datetime


class PlantServer:
    """Holds the current value of every tag, also while its server is away; serves them whenever it is up.

    Runs in the event loop that calls ``start``.
    """

    def __init__(self, *, endpoint: str, lines: Sequence[str]) -> None:
        self.endpoint = endpoint
        self._lines = tuple(lines)
        self._server: Server | None = None
        self._nodes: dict[tuple[str, str], ua.NodeId] = {}
        now = datetime.now(UTC)
        self._values: dict[tuple[str, str], TagWrite] = {
            (line, tag): TagWrite(line=line, tag=tag, value=initial, source_at=now)
            for line in self._lines
            for tag, initial in [
                *((tag, initial) for tag, (_, initial) in CONTEXT_TAGS.items()),
                *((tag, 0.0) for tag in SENSOR_TAGS),
            ]
        }

    @property
    def running(self) -> bool:
        """Whether clients can connect."""
        return self._server is not None

    async def start(self) -> None:
        """Build the address space and listen. OSError if the port is taken."""
        _answer_republish_as_the_standard_says()
        # At INFO asyncua logs every publish response in full; at WARNING, that a simulation needs no certificates.
        logging.getLogger("asyncua").setLevel(logging.ERROR)
        # The standard address space is seconds of computing: in a thread, or the lines would stand still for a restart.
        server = await asyncio.to_thread(lambda: asyncio.run(self._build()))
        await server.start()
        self._server = server
        for key in list(self._values):
            await self._publish(server, self._values[key])
        subscription = await server.create_subscription(_PLC_CYCLE_MS, _Echo(server, self._echoes()))
        await subscription.subscribe_data_change([server.get_node(counter) for counter in self._echoes()])

    async def _build(self) -> Server:
        """Make a server with all nodes; it starts no task, so any loop may run it afterwards."""
        server = Server()
        await server.init()
        _count_from_anywhere(server)
        server.set_endpoint(self.endpoint)
        server.set_server_name("Lineside virtual plant")
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        await server.set_application_uri(NAMESPACE)
        index = await server.register_namespace(NAMESPACE)
        for line in self._lines:
            folder = await server.nodes.objects.add_folder(_node_id(line, index), ua.QualifiedName(line, index))
            for tag in (*CONTEXT_TAGS, *SENSOR_TAGS):
                node_id = _node_id(f"{line}.{tag}", index)
                current = self._values[line, tag]
                await folder.add_variable(node_id, ua.QualifiedName(tag, index), current.value, _type_of(tag))
                self._nodes[line, tag] = node_id
            for tag, (kind, initial) in RESULT_TAGS.items():
                node_id = _node_id(f"{line}.{tag}", index)
                node = await folder.add_variable(node_id, ua.QualifiedName(tag, index), initial, kind)
                await node.set_writable()
                self._nodes[line, tag] = node_id
        return server

    def _echoes(self) -> Mapping[ua.NodeId, Mapping[str, ua.NodeId]]:
        """Per counter of results: the nodes of its line."""
        return {
            self._nodes[line, "ResultCounter"]: {tag: self._nodes[line, tag] for tag in RESULT_TAGS}
            for line in self._lines
        }

    async def write(self, writes: Sequence[TagWrite]) -> None:
        """Set tags in the given order. While the server is away the values are kept, and only the last is ever seen."""
        for one in writes:
            self._values[one.line, one.tag] = one
            if self._server is not None:
                await self._publish(self._server, one)

    async def _publish(self, server: Server, write: TagWrite) -> None:
        value = ua.DataValue(
            ua.Variant(write.value, _type_of(write.tag)),
            SourceTimestamp=write.source_at,  # type: ignore[arg-type]
            ServerTimestamp=datetime.now(UTC),  # type: ignore[arg-type]
        )
        await server.write_attribute_value(self._nodes[write.line, write.tag], value)

    async def restart(self, *, down_s: float) -> None:
        """Go away for ``down_s`` seconds and come back with the values of then."""
        await self.stop()
        await asyncio.sleep(down_s)
        await self.start()

    async def stop(self) -> None:
        """Close every connection; silent if it is not running."""
        server, self._server = self._server, None
        if server is not None:
            # asyncua closes the connections while it still listens, and then waits for ever for a client that came back
            # in between; so stop listening first.
            listener = server.bserver and server.bserver._server  # noqa: SLF001  (nothing public closes it)
            if isinstance(listener, asyncio.Server):
                listener.close()
            # A client that vanished in mid-request makes asyncua's stop raise; the port is closed all the same.
            with contextlib.suppress(ConnectionError, asyncio.TimeoutError):
                await server.stop()


class _Echo:
    """Takes results as a PLC's program does: the counter changes, the part id is read, both are echoed."""

    def __init__(self, server: Server, nodes: Mapping[ua.NodeId, Mapping[str, ua.NodeId]]) -> None:
        self._server = server
        self._nodes = nodes

    async def datachange_notification(self, node: Node, val: int, data: DataChangeNotif) -> None:
        nodes = self._nodes[node.nodeid]
        part_id = await self._server.get_node(nodes["ResultPartId"]).read_value()
        for tag, value in (("EchoPartId", part_id), ("EchoCounter", val)):
            await self._server.write_attribute_value(nodes[tag], ua.DataValue(ua.Variant(value, RESULT_TAGS[tag][0])))


def _node_id(name: str, namespace: int) -> ua.NodeId:
    return ua.NodeId(ua.String(name), ua.Int16(namespace))


def _type_of(tag: str) -> ua.VariantType:
    return CONTEXT_TAGS[tag][0] if tag in CONTEXT_TAGS else ua.VariantType.Double


def _count_from_anywhere(server: Server) -> None:
    """Let the ids of sessions and subscriptions begin at random numbers in each life of the server.

    asyncua begins each life at the same ones. A client that comes back after a restart asks to transfer its old
    subscription, and would be given the one of that number that another client has just made.
    """
    server.iserver.subscription_service._sub_id_counter = secrets.randbelow(_ID_RANGE)  # noqa: SLF001  (no public way)
    InternalSession._counter = secrets.randbelow(_ID_RANGE)  # noqa: SLF001
    InternalSession._auth_counter = secrets.randbelow(_ID_RANGE)  # noqa: SLF001


def _answer_republish_as_the_standard_says() -> None:
    """Make asyncua's server answer BadMessageNotAvailable to a Republish of a message that it no longer has.

    It answers Good with an empty message, and an asyncua client then asks for ever (CONVENTIONS §3.3, OPC UA Part 4
    §5.14.6). The class is the library's own and this process is the plant's, so nobody else is affected.
    """

    def republish(self: InternalSubscription, nb: int) -> ua.NotificationMessage:
        result = self._not_acknowledged_results.get(nb)
        if result is None:
            raise ua.uaerrors.BadMessageNotAvailable
        message: ua.NotificationMessage = result.NotificationMessage
        return message

    InternalSubscription.republish = republish  # type: ignore[method-assign]
