"""How a configuration names a node, in a way that survives a server that numbers its namespaces anew.

- ``line3/PartCounter``: browse path below Objects, names in the default namespace
- ``s7:PLC_1/s7:Counter``: the same with aliases of ``namespaces``, where a path crosses several
- ``s="DB"."tag"``, ``i=1234``, ``g=...``, ``b=...``: node id in the default namespace
- ``nsu=http://vendor/uri;s=tag``: node id in any namespace (OPC UA Part 6, 5.3.1.10)

Behind ``::`` a field of a structured value: ``line3/Part::Recipe.Name``, ``line3/Levels::[2]``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_IDENTIFIER: Final = re.compile(r"[sigb]=.+", re.DOTALL)
_FIELD: Final = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
_FIELD_PATH: Final = re.compile(r"(\[\d+\]|[^.\[\]]+)(\[\d+\]|\.[^.\[\]]+)*")


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeAddress:
    """One node and, for structured values, the way to the wanted field.

    Either ``identifier`` (as in ``s=tag``) or ``path`` is set. ``uri`` None: the default namespace.
    """

    text: str
    identifier: str | None = None
    uri: str | None = None
    path: tuple[str, ...] = ()
    field: tuple[str | int, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "NodeAddress":
        """Read an address. ValueError says what an address looks like."""
        node, separator, field_text = text.rpartition("::")
        if not separator or ";" in field_text:  # the URI of nsu= may hold colons
            node, field_text = text, ""
        elif not _FIELD_PATH.fullmatch(field_text):
            raise ValueError(f"{text!r}: {field_text!r} is no field; write Name.Name, or [2] for an element")
        field = tuple(int(index) if index else name for index, name in _FIELD.findall(field_text))
        if node.startswith("ns="):
            raise ValueError(f"{text!r}: a namespace's index may change; write nsu=<its URI>;{node.partition(';')[2]}")
        if node.startswith("nsu="):
            uri, _, identifier = node.removeprefix("nsu=").partition(";")
            if not uri or not _IDENTIFIER.fullmatch(identifier):
                raise ValueError(f"{text!r} is no node id; write nsu=<URI>;s=<name>")
            return cls(text=text, identifier=identifier, uri=uri, field=field)
        if _IDENTIFIER.fullmatch(node):
            return cls(text=text, identifier=node, field=field)
        path = tuple(node.split("/"))
        if not all(path):
            raise ValueError(f"{text!r} is no browse path; write the names below Objects, e.g. line3/PartCounter")
        return cls(text=text, path=path, field=field)

    def qualified_path(self, namespaces: Mapping[str, str]) -> list[tuple[str | None, str]]:
        """(namespace URI, name) of each step of the path; URI None: the default namespace.

        A colon whose left side is no alias belongs to the name.
        """
        steps: list[tuple[str | None, str]] = []
        for step in self.path:
            alias, colon, name = step.partition(":")
            steps.append((namespaces[alias], name) if colon and alias in namespaces else (None, step))
        return steps


def field_of(value: Any, field: tuple[str | int, ...]) -> Any:
    """The wanted field of a structured value; None where the value has none of that name or index."""
    for step in field:
        if isinstance(step, int):
            if not isinstance(value, list | tuple) or step >= len(value):
                return None
            value = value[step]
        else:
            value = getattr(value, step, None)
    return value
