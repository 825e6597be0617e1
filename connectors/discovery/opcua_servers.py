"""OPC UA servers that answer, with their endpoints' security."""

import asyncio
import contextlib
import ipaddress
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from asyncua import Client, ua

from connectors.discovery.device import Findings, FoundDevice
from connectors.opcua.refusal import LINK_ERRORS
from connectors.opcua.secure_client import endpoint_name

# The registered port, and those on which well-known servers listen as delivered: Unified Automation, Kepware, Ignition,
# Prosys. Each port more is one connection attempt per host.
PORTS: Final = (4840, 4841, 48010, 48020, 49320, 62541, 53530)
_CONNECT_S: Final = 1.0
_ANSWER_S: Final = 3.0
# A network of 256 hosts with 7 ports in half a minute, without a flood that an intrusion detector would report.
_AT_ONCE: Final = 64
_NEIGHBOURS: Final = Path("/proc/net/arp")
# The best first: what a first configuration asks for.
_BEST: Final = ("Aes256Sha256RsaPss/SignAndEncrypt", "Aes128Sha256RsaOaep/SignAndEncrypt",
                "Basic256Sha256/SignAndEncrypt", "Aes256Sha256RsaPss/Sign", "Aes128Sha256RsaOaep/Sign",
                "Basic256Sha256/Sign")  # fmt: skip


class OpcUaServers:
    """Asks hosts for their endpoints; needs no security and no session for that."""

    def __init__(self, hosts: Iterable[str], ports: Sequence[int] = PORTS) -> None:
        self._hosts = tuple(dict.fromkeys(hosts))
        self._ports = tuple(ports)

    def find(self) -> Findings:
        """Every server that answers at one of the hosts and ports."""
        devices = asyncio.run(self._find())
        return Findings(devices=sorted(devices, key=lambda one: one.address))

    async def _find(self) -> list[FoundDevice]:
        slots = asyncio.Semaphore(_AT_ONCE)

        async def look(host: str, port: int) -> FoundDevice | None:
            async with slots:
                return await _ask(host, port) if await _listens(host, port) else None

        found = await asyncio.gather(*(look(host, port) for host in self._hosts for port in self._ports))
        return [one for one in found if one is not None]


def neighbours() -> list[str]:
    """This machine, and the hosts with which it has spoken lately: nobody else is disturbed."""
    hosts = ["127.0.0.1"]
    with contextlib.suppress(OSError):
        for line in _NEIGHBOURS.read_text(encoding="ascii").splitlines()[1:]:
            hosts.append(line.split()[0])
    return hosts


def hosts_of(network: str) -> list[str]:
    """Every host of ``192.168.1.0/24``. ValueError says how to write it, or that it is too large."""
    try:
        parsed = ipaddress.ip_network(network, strict=False)
    except ValueError as error:
        raise ValueError(f"{network!r} is no network; write 192.168.1.0/24") from error
    if parsed.num_addresses > 4096:
        raise ValueError(f"{network} has {parsed.num_addresses} addresses; search a part of it, of /20 at most")
    return [str(host) for host in parsed.hosts()]


async def _listens(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), _CONNECT_S)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


async def _ask(host: str, port: int) -> FoundDevice | None:
    address = f"opc.tcp://{host}:{port}"
    try:
        offered = await asyncio.wait_for(
            Client(address, timeout=_ANSWER_S).connect_and_get_server_endpoints(), _ANSWER_S
        )
    except (*LINK_ERRORS, AssertionError):  # something else listens there
        return None
    if not offered:
        return None
    names = sorted({endpoint_name(one) for one in offered})
    application = offered[0].Server
    return FoundDevice(
        kind="opcua",
        address=address,
        name=application.ApplicationName.Text or application.ApplicationUri or "OPC UA server",
        details=[f"security: {', '.join(names)}", f"login: {', '.join(_logins(offered))}"],
        settings={"endpoint": address, "security": _security(names)},
    )


def _logins(offered: Sequence[ua.EndpointDescription]) -> list[str]:
    words = {
        ua.UserTokenType.Anonymous: "anonymous",
        ua.UserTokenType.UserName: "user and password",
        ua.UserTokenType.Certificate: "certificate",
        ua.UserTokenType.IssuedToken: "token",
    }
    return sorted({words[token.TokenType] for one in offered for token in one.UserIdentityTokens or ()})


def _security(names: Sequence[str]) -> dict[str, Any]:
    best = next((one for one in _BEST if one in names), None)
    if best is None:
        return {"policy": "None"}
    policy, _, mode = best.partition("/")
    return {"policy": policy, "mode": mode, "pki": "/var/lib/lineside/pki"}
