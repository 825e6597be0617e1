"""A line's configuration made of what was found; a person adds what no device tells."""

from collections.abc import Sequence
from typing import Any, Final

import yaml

from connectors.discovery.device import FoundDevice

_HEAD: Final = """\
# A first configuration, made of the devices that answered. Before it works:
# - set broker, objects and the spool's directory
# - name the PLC's nodes: `python -m connectors opcua browse {endpoint}` shows their addresses
# - `python -m connectors opcua check --config THIS_FILE` tries everything and says what is wrong
"""
_TO_SET: Final = "SET-ME"


def first_configuration(line: str, devices: Sequence[FoundDevice]) -> str:
    """YAML for ``python -m connectors line``: the first OPC UA server as the PLC, every camera found."""
    plc = next((one for one in devices if one.kind == "opcua"), None)
    cameras = [one.settings for one in devices if one.kind != "opcua"] or [{"watch": "/srv/cameras/SET-ME"}]
    content: dict[str, Any] = {
        "line": line,
        "broker": {"bootstrap": "kafka.example:9092"},
        "objects": "s3://lineside-payloads",
        "spool": {"directory": f"/var/lib/lineside/spool/{line.rpartition('.')[2]}"},
        "cameras": [
            {"source": f"{line}/camera{number}", **settings} for number, settings in enumerate(cameras, start=1)
        ],
        "plc": {
            **(plc.settings if plc is not None else {"endpoint": "opc.tcp://plc.example:4840"}),
            "namespace": _TO_SET,
            "context": dict.fromkeys(("part_counter", "part_id", "trigger_session"), _TO_SET),
        },
    }
    return _HEAD.format(endpoint=content["plc"]["endpoint"]) + yaml.safe_dump(content, sort_keys=False)
