"""``python -m connectors discover``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from connectors.discovery.device import Finder, FoundDevice
from connectors.discovery.first_configuration import first_configuration
from wire.errors import DecodeError
from wire.identifiers import check_line_id


def discover(
    host: Annotated[list[str] | None, typer.Option(help="Look for OPC UA servers at this host, too.")] = None,
    network: Annotated[
        str | None, typer.Option(metavar="192.168.1.0/24", help="Look at every host of this network.")
    ] = None,
    port: Annotated[
        list[int] | None, typer.Option(help="Look at this port; without: those of well-known servers.")
    ] = None,
    line: Annotated[str, typer.Option(help="Line of the configuration that is written.")] = "plant1.hall1.line1",
    write: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a first configuration of that line.")
    ] = None,
) -> None:
    """List the devices that answer: OPC UA servers with their security, GigE and USB3 Vision cameras, USB cameras.

    Without options, OPC UA servers are looked for at this machine and its neighbours.
    """
    try:
        check_line_id(line)
        finders = _finders(host or [], network, port or [])
    except (ValueError, DecodeError) as error:
        raise typer.BadParameter(str(error)) from error
    if write is not None and write.exists():
        raise typer.BadParameter(f"{write} exists; name another file", param_hint="--write")
    devices = _find(finders)
    if write is not None:
        write.write_text(first_configuration(line, devices), encoding="utf-8")
        typer.echo(f"first configuration written to {write}; what is marked SET-ME is for you to say")
    if not devices:
        raise typer.Exit(1)


def _finders(hosts: Sequence[str], network: str | None, ports: Sequence[int]) -> Sequence[Finder]:
    # Here, because asyncua takes half a second of CPU to import.
    from connectors.discovery.genicam_cameras import GenicamCameras
    from connectors.discovery.opcua_servers import PORTS, OpcUaServers, hosts_of, neighbours
    from connectors.discovery.usb_cameras import UsbCameras

    asked = [*hosts, *(hosts_of(network) if network else ())]
    return [OpcUaServers(asked or neighbours(), ports or PORTS), GenicamCameras(), UsbCameras()]


def _find(finders: Sequence[Finder]) -> list[FoundDevice]:
    devices: list[FoundDevice] = []
    for finder in finders:
        findings = finder.find()
        if findings.trouble is not None:
            typer.echo(f"note: {findings.trouble}", err=True)
        devices.extend(findings.devices)
    for one in devices:
        typer.echo(f"{one.kind}  {one.address}  {one.name}")
        for detail in one.details:
            typer.echo(f"      {detail}")
    if not devices:
        typer.echo("nothing answered; name --host or --network")
    return devices
