"""From addresses of the configuration to the node ids of a server as it numbers them now."""

from collections.abc import Mapping
from typing import Final

from asyncua import Client, Node, ua

from connectors.errors import SourceUnavailable
from connectors.opcua.node_address import NodeAddress

_NOT_FOUND: Final = (ua.StatusCodes.BadNoMatch, ua.StatusCodes.BadNodeIdUnknown, ua.StatusCodes.BadNodeIdInvalid)


class NodeResolution:
    """Resolves addresses against one server; knows its namespaces since ``open``."""

    def __init__(self, client: Client, indices: Mapping[str, int], namespace: str, aliases: Mapping[str, str]) -> None:
        self._client = client
        self._indices = indices
        self._namespace = namespace
        self._aliases = aliases

    @classmethod
    async def open(cls, client: Client, *, namespace: str, aliases: Mapping[str, str]) -> "NodeResolution":
        """Read the server's namespaces."""
        indices = {uri: index for index, uri in enumerate(await client.get_namespace_array())}
        return cls(client, indices, namespace, aliases)

    async def node(self, address: NodeAddress) -> Node:
        """The node. SourceUnavailable names the address, and the namespace if it is that which is missing."""
        try:
            if address.identifier is not None:
                node = self._client.get_node(_node_id(address.identifier, self._index(address.uri)))
                await node.read_browse_name()  # a node id can be written whether there is such a node or not
                return node
            steps = address.qualified_path(self._aliases)
            return await self._client.nodes.objects.get_child([
                ua.QualifiedName(name, self._index(uri)) for uri, name in steps
            ])  # fmt: skip
        except ua.UaStatusCodeError as error:
            if error.code not in _NOT_FOUND:
                raise
            raise SourceUnavailable(
                f"the server has no node {address.text!r} (default namespace {self._namespace!r}); "
                "look for it with `python -m connectors opcua browse`"
            ) from error

    def _index(self, uri: str | None) -> int:
        wanted = uri or self._namespace
        if wanted not in self._indices:
            raise SourceUnavailable(
                f"the server has no namespace {wanted!r}; it has {', '.join(map(repr, self._indices))}"
            )
        return self._indices[wanted]


def _node_id(identifier: str, namespace: int) -> ua.NodeId:
    kind, _, text = identifier.partition("=")
    try:
        if kind == "i":
            return ua.NodeId(ua.Int32(int(text)), ua.Int16(namespace))
        if kind == "g":
            return ua.NodeId(ua.Guid(text), ua.Int16(namespace))
        return ua.NodeId.from_string(f"ns={namespace};{identifier}")
    except (ValueError, ua.UaError) as error:
        raise SourceUnavailable(f"{identifier!r} is no identifier of a node: {error}") from error
