"""A server's nodes as a tree, with the address that a configuration would name each by."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from asyncua import Client, Node, ua

from connectors.opcua.plain_value import plain_value
from connectors.opcua.refusal import LINK_ERRORS

# A value is shown to be recognised, not to be read in full.
_SHOWN_CHARACTERS: Final = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class TreeNode:
    """One node: how deep it lies, what it is called, what its value is, and its address."""

    depth: int
    name: str
    kind: str
    address: str
    value: str = ""


class AddressSpace:
    """Walks the objects and variables of one server; each node comes once, even where several paths lead to it."""

    def __init__(self, client: Client, namespaces: Sequence[str], *, depth: int, values: bool) -> None:
        self._client = client
        self._namespaces = namespaces
        self._depth = depth
        self._values = values
        # The standard's own object tells of the server, not of the plant.
        self._seen = {ua.NodeId(ua.Int32(ua.ObjectIds.Server))}

    async def below(self, node: Node, level: int = 0) -> AsyncIterator[TreeNode]:
        """Yield what lies below ``node``, parents before children."""
        mask = ua.NodeClass.Object | ua.NodeClass.Variable
        for reference in await node.get_references(
            ua.ObjectIds.HierarchicalReferences,
            ua.BrowseDirection.Forward,
            mask,  # type: ignore[arg-type]  # a mask, typed as one class
        ):
            child = self._client.get_node(_plain(reference.NodeId))
            if child.nodeid in self._seen:
                continue
            self._seen.add(child.nodeid)
            is_variable = reference.NodeClass is ua.NodeClass.Variable
            yield TreeNode(
                depth=level,
                name=reference.BrowseName.Name or "",
                kind=reference.NodeClass.name,
                address=address_of(child.nodeid, self._namespaces),
                value=await _value(child) if is_variable and self._values else "",
            )
            if level + 1 < self._depth:
                async for one in self.below(child, level + 1):
                    yield one


def address_of(node_id: ua.NodeId, namespaces: Sequence[str]) -> str:
    """The address of a node in the words of a configuration (``connectors.opcua.node_address``)."""
    text = node_id.to_string()
    identifier = text.partition(";")[2] if text.startswith("ns=") else text
    index = node_id.NamespaceIndex
    return f"nsu={namespaces[index] if index < len(namespaces) else '?'};{identifier}"


def _plain(node_id: ua.NodeId) -> ua.NodeId:
    """A reference's target is an ExpandedNodeId; nodes are asked for by plain ones."""
    return ua.NodeId(node_id.Identifier, node_id.NamespaceIndex, node_id.NodeIdType)


async def _value(node: Node) -> str:
    try:
        data = await node.read_data_value(raise_on_bad_status=False)
    except LINK_ERRORS as error:
        return type(error).__name__
    text = shown(data.Value.Value if data.Value is not None else None)
    return text if data.StatusCode is None or data.StatusCode.is_good() else f"{text} ({data.StatusCode.name})"


def shown(value: Any) -> str:
    """A value for a line of text: as long as it takes to recognise it."""
    text = repr(plain_value(value))
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
