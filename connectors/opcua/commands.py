"""``python -m connectors opcua browse|check|trust``: what a person does before, and when, a link does not work."""

import asyncio
import contextlib
import logging
from pathlib import Path
from typing import Annotated, Final

import typer

from connectors.errors import SourceUnavailable
from connectors.line.settings import LineSettings
from connectors.opcua.settings import OpcUaSettings
from connectors.opcua.trust_store import TrustStore
from wire.errors import ConfigurationError
from wire.settings_file import read_keys
from wire.settings_layers import load

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

ConfigOption = Annotated[Path, typer.Option("--config", help="Of the OPC UA connector, or of a line.")]
_INDENT: Final = "  "


@app.command()
def check(config: ConfigOption) -> None:
    """Try everything that the connector needs, and say in one line what is wrong with each. Status 1 if anything is."""
    settings = _settings(config)
    if not asyncio.run(_check(settings)):
        raise typer.Exit(1)


@app.command()
def trust(
    thumbprints: Annotated[
        list[str] | None, typer.Argument(help="How the thumbprints of the servers to trust begin.")
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", help="Whose security.pki.")] = None,
    pki: Annotated[Path | None, typer.Option("--pki", metavar="FOLDER", help="The folder itself.")] = None,
) -> None:
    """Trust servers whose certificate was rejected; without a thumbprint, list them."""
    store = TrustStore(pki or _pki(config))
    if not thumbprints:
        rejected = store.rejected()
        for one in rejected:
            typer.echo(f"{one.thumbprint}  until {one.expires_at:%Y-%m-%d}  {one.subject}")
        if not rejected:
            typer.echo("no rejected certificates; a server's appears here when the connector meets it first")
        return
    for beginning in thumbprints:
        try:
            trusted = store.trust(beginning)
        except LookupError as error:
            typer.echo(f"error: {error}; list them with `opcua trust`", err=True)
            raise typer.Exit(1) from error
        typer.echo(f"trusted: {trusted.thumbprint}  {trusted.subject}")


@app.command()
def browse(
    endpoint: Annotated[str | None, typer.Argument(help="opc.tcp://host:port, without security.")] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="Endpoint, security and user of this file instead.")
    ] = None,
    start: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Begin below this node, e.g. nsu=urn:plant;s=line3.")
    ] = "nsu=http://opcfoundation.org/UA/;i=85",
    depth: Annotated[int, typer.Option(min=1, max=50, help="Levels to show.")] = 4,
    values: Annotated[bool, typer.Option(help="Read the variables' values.")] = True,
) -> None:
    """Print a server's nodes as a tree, each with the address by which a configuration names it."""
    if endpoint is not None and not endpoint.startswith("opc.tcp://"):
        raise typer.BadParameter(f"{endpoint} is no OPC UA address; write opc.tcp://host:port")
    if (endpoint is None) == (config is None):
        raise typer.BadParameter("give an endpoint, or --config FILE")
    settings = _settings(config) if config is not None else None
    try:
        asyncio.run(_browse(endpoint, settings, start=start, depth=depth, values=values))
    except (SourceUnavailable, ConfigurationError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error


def _settings(config: Path) -> OpcUaSettings:
    """The OPC UA part of a connector's file. Status 2 with every problem if the file is wrong."""
    try:
        if "plc" in read_keys(config):
            return load(config, LineSettings).opcua_settings
        return load(config, OpcUaSettings)
    except ConfigurationError as error:
        for problem in error.problems:
            typer.echo(f"error: {problem}", err=True)
        raise typer.Exit(2) from error


def _pki(config: Path | None) -> Path:
    if config is None:
        raise typer.BadParameter("give --config FILE, or --pki FOLDER")
    pki = _settings(config).security.pki
    if pki is None:
        typer.echo(f"error: {config}: security.pki is not set, so nobody is trusted or rejected", err=True)
        raise typer.Exit(2)
    return pki


async def _check(settings: OpcUaSettings) -> bool:
    # Here, because asyncua takes half a second of CPU to import, which `trust` and --help need not pay.
    from connectors.opcua.link_check import check_link

    _quieten()
    failures = 0
    try:
        async for step in check_link(settings):
            failures += not step.ok
            typer.echo(f"{'ok   ' if step.ok else 'FAIL '} {step.text}")
    except ConfigurationError as error:
        failures += 1
        for problem in error.problems:
            typer.echo(f"FAIL  {problem}")
    typer.echo("everything works" if not failures else f"{failures} of the steps failed")
    return not failures


async def _browse(
    endpoint: str | None, settings: OpcUaSettings | None, *, start: str, depth: int, values: bool
) -> None:
    from asyncua import Client

    from connectors.opcua.address_space import AddressSpace
    from connectors.opcua.node_address import NodeAddress
    from connectors.opcua.node_resolution import NodeResolution
    from connectors.opcua.refusal import LINK_ERRORS, unavailable
    from connectors.opcua.secure_client import REQUEST_TIMEOUT_S, ClientName, connect, secure_client

    _quieten()
    try:
        address = NodeAddress.parse(start)
    except ValueError as error:
        raise ConfigurationError([f"--start: {error}"]) from error
    try:
        if settings is None:
            client = Client(endpoint or "", timeout=REQUEST_TIMEOUT_S)
        else:
            client = await secure_client(settings, ClientName(role="connector", line=settings.line))
        await connect(client)
        try:
            namespaces = await client.get_namespace_array()
            resolution = await NodeResolution.open(
                client,
                namespace=settings.namespace if settings else namespaces[0],
                aliases=settings.namespaces if settings else {},
            )
            node = await resolution.node(address)
            with contextlib.suppress(BrokenPipeError):
                async for one in AddressSpace(client, namespaces, depth=depth, values=values).below(node):
                    value = f" = {one.value}" if one.value else ""
                    typer.echo(f"{_INDENT * one.depth}{one.name}{value}  [{one.address}]")
        finally:
            await client.disconnect()
    except LINK_ERRORS as error:
        raise unavailable(error) from error


def _quieten() -> None:
    """What asyncua logs on the way is told in the commands' own words."""
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)
