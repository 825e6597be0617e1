"""Trying everything that a link needs, one step after the other, and saying of each in one line how it went."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from asyncua import Client, Node, ua
from asyncua.common.subscription import DataChangeEvent

from connectors.errors import SourceUnavailable
from connectors.opcua.address_space import shown
from connectors.opcua.application_certificate import own_certificate
from connectors.opcua.node_address import field_of
from connectors.opcua.node_resolution import NodeResolution
from connectors.opcua.plain_value import plain_value
from connectors.opcua.rate_subscription import RateSubscription
from connectors.opcua.refusal import LINK_ERRORS, explained
from connectors.opcua.secure_client import REQUEST_TIMEOUT_S, ClientName, connect, endpoint_name, secure_client
from connectors.opcua.security_settings import SecuritySettings
from connectors.opcua.settings import OpcUaSettings
from connectors.opcua.tag import MonitoredTag, Tag, by_publishing_rate, monitored_tags
from connectors.opcua.tag_text import tag_text

_NAME: Final = "connector"
# A tag's present value comes within one publishing interval; a busy server may take a little longer.
_FIRST_VALUE_EXTRA_S: Final = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One thing that was tried."""

    ok: bool
    text: str


async def check_link(settings: OpcUaSettings) -> AsyncIterator[Step]:
    """Try the server, security, login, each node and each subscription. Goes on after a failure where it can."""
    offered = await _endpoints(settings)
    yield offered
    if not offered.ok:
        return
    if settings.security.is_secure and settings.security.pki is not None:
        yield _own_certificate(settings.security, settings.security.pki, settings.line)
    try:
        client = await secure_client(settings, ClientName(role=_NAME, line=settings.line))
    except (SourceUnavailable, *LINK_ERRORS) as error:
        yield _failed("security", error)
        return
    yield Step(ok=True, text=f"security: {_security(settings)}")
    try:
        await connect(client)
    except (SourceUnavailable, *LINK_ERRORS) as error:
        yield _failed("login", error)
        return
    try:
        yield Step(ok=True, text=f"login: as {_user(settings)}; session of {client.session_timeout / 1000:g} s")
        async for step in _session(client, settings):
            yield step
    finally:
        with contextlib.suppress(*LINK_ERRORS):
            await client.disconnect()


def _failed(what: str, error: Exception) -> Step:
    return Step(ok=False, text=f"{what}: {error if isinstance(error, SourceUnavailable) else explained(error)}")


async def _endpoints(settings: OpcUaSettings) -> Step:
    client = Client(settings.endpoint, timeout=REQUEST_TIMEOUT_S)
    try:
        offered = await client.connect_and_get_server_endpoints()
    except LINK_ERRORS as error:
        return _failed(f"server {settings.endpoint}", error)
    names = ", ".join(sorted({endpoint_name(one) for one in offered}))
    return Step(ok=True, text=f"server {settings.endpoint}: answers; offers {names}")


def _own_certificate(security: SecuritySettings, pki: Path, line: str) -> Step:
    name = ClientName(role=_NAME, line=line)
    own = own_certificate(
        pki,
        application_uri=security.application_uri or name.application_uri,
        name=name.text,
        days=security.certificate_days,
    )
    return Step(
        ok=not own.has_expired,
        text=f"own certificate: {own.path}, thumbprint {own.thumbprint}, valid until {own.expires_at:%Y-%m-%d}; "
        "the server has to trust it",
    )


def _security(settings: OpcUaSettings) -> str:
    security = settings.security
    if not security.is_secure:
        return "None: everything is sent in clear"
    trust = "accepted unseen" if security.accepts_any else "trusted"
    return f"{security.policy.value}/{security.mode.value}; the server's certificate is {trust}"


def _user(settings: OpcUaSettings) -> str:
    identity = settings.identity
    if identity.user is not None:
        return f"user {identity.user}"
    return "anonymous" if identity.certificate is None else f"the user of {identity.certificate}"


async def _session(client: Client, settings: OpcUaSettings) -> AsyncIterator[Step]:
    yield await _server_status(client)
    tags = monitored_tags(settings)
    if any(one.address.field for one in tags):
        try:
            await client.load_data_type_definitions()
        except LINK_ERRORS as error:
            yield _failed("structured types", error)
    resolution = await NodeResolution.open(client, namespace=settings.namespace, aliases=settings.namespaces)
    nodes: dict[Tag, ua.NodeId] = {}
    for one in tags:
        step, node = await _tag(resolution, one)
        yield step
        if node is not None:
            nodes[one.tag] = node.nodeid
    for rate, some in by_publishing_rate([one for one in tags if one.tag in nodes]).items():
        yield await _subscription(client, rate, some, nodes)


async def _server_status(client: Client) -> Step:
    try:
        status = await client.get_node(ua.NodeId(ua.Int32(ua.ObjectIds.Server_ServerStatus))).read_value()
        level = await client.nodes.service_level.read_value()
    except LINK_ERRORS as error:
        return _failed("server status", error)
    product = f"{status.BuildInfo.ProductName} {status.BuildInfo.SoftwareVersion}".strip()
    running = status.State is ua.ServerState.Running
    return Step(ok=running, text=f"server status: {status.State.name}, service level {level}, {product}")


async def _tag(resolution: NodeResolution, one: MonitoredTag) -> tuple[Step, Node | None]:
    label = f"{one.tag.kind} {one.tag.name} ({one.address.text})"
    try:
        node = await resolution.node(one.address)
        data = await node.read_data_value(raise_on_bad_status=False)
    except (SourceUnavailable, *LINK_ERRORS) as error:
        return _failed(label, error), None
    if data.StatusCode is not None and data.StatusCode.value == ua.StatusCodes.BadAttributeIdInvalid:
        words = "an object or a method, which has no value: name a variable below it"
        return Step(ok=False, text=f"{label}: {words}"), None
    value = plain_value(field_of(data.Value.Value, one.address.field)) if data.Value is not None else None
    problem = _problem(one, value, data)
    status = data.StatusCode.name if data.StatusCode is not None else "Good"
    said = f"{shown(value)} ({type(value).__name__}), {status}"
    return Step(ok=problem is None, text=f"{label}: {said}{f': {problem}' if problem else ''}"), node


def _problem(one: MonitoredTag, value: Any, data: ua.DataValue) -> str | None:
    if data.StatusCode is not None and not data.StatusCode.is_good():
        return None  # a sensor that is unplugged is no fault of the configuration
    if one.address.field and value is None:
        return "the value has no such field"
    if one.tag.kind == "sensor" and not isinstance(value, int | float):
        return "no number: its samples would be empty; name a field, or another node"
    if one.tag.name == "part_counter" and not isinstance(value, int):
        return "no integer: it has to count parts"
    if one.tag.kind == "context" and tag_text(value) is None and value not in (None, ""):
        return "neither text nor number: name a field or an element of it, or another node"
    if data.SourceTimestamp is None:
        return "no source timestamp: the server's time would be taken, which is later than the trigger"
    return None


async def _subscription(
    client: Client, rate: float, tags: Sequence[MonitoredTag], nodes: Mapping[Tag, ua.NodeId]
) -> Step:
    label = f"subscription of {len(tags)} tags at {rate:g} ms"
    try:
        one = await RateSubscription.open(client, rate, tags, nodes)
    except (SourceUnavailable, *LINK_ERRORS) as error:
        return _failed(label, error)
    silent = one.names
    with contextlib.suppress(TimeoutError, asyncio.TimeoutError):
        await asyncio.wait_for(_hear(one, silent), rate / 1000 + _FIRST_VALUE_EXTRA_S)
    with contextlib.suppress(*LINK_ERRORS):
        await one.subscription.delete()
    revised = one.subscription.parameters.RequestedPublishingInterval
    if silent:
        return Step(ok=False, text=f"{label}: no value of {', '.join(sorted(tag.name for tag in silent))}")
    slower = f"; the server makes it {revised:g} ms" if revised != rate else ""
    return Step(ok=True, text=f"{label}: every tag sent its present value{slower}")


async def _hear(one: RateSubscription, silent: set[Tag]) -> None:
    async for event in one.subscription:
        if isinstance(event, DataChangeEvent):
            silent.discard(one.tags[event.data.monitored_item.ClientHandle].tag)
        if not silent:
            return
