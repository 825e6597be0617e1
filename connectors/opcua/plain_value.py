"""Values of asyncua's own types as what they say, so that nothing behind the client knows asyncua."""

from typing import Any

from asyncua import ua


def plain_value(value: Any) -> Any:
    """A text's words, a name, a code; bytes as text where they are UTF-8, else in hex. The rest stays as it is."""
    if isinstance(value, ua.LocalizedText):
        return value.Text
    if isinstance(value, ua.QualifiedName | ua.StatusCode):
        return value.Name if isinstance(value, ua.QualifiedName) else value.name
    if isinstance(value, ua.NodeId):
        return value.to_string()
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value.hex()
    return value
