"""Ten thousand values and configurations that nobody would write: a typed error or an event, never a crash."""

import copy
import math
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from asyncua import ua

from connectors.opcua.node_address import NodeAddress, field_of
from connectors.opcua.settings import OpcUaSettings
from connectors.opcua.tag_history import Sample
from connectors.opcua.value_mapping import PlcMapping
from connectors.results.settings import ResultsSettings
from wire.errors import ConfigurationError
from wire.frame import frame_from_event, frame_to_event
from wire.part_context import context_from_event, context_to_event
from wire.sensor_window import SensorWindow
from wire.settings_layers import load

FOLDER = Path(__file__).resolve().parents[3] / "connectors"
AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
# What a server may put into a value, sound or not.
VALUES: list[Any] = [
    None, True, 0, 1, -1, 2**31, 2**64, -(2**63), 0.0, -0.0, 1e308, math.inf, -math.inf, math.nan, "", "x" * 10_000,
    "\x00\ud800", "ä\r\n", b"", b"\xff" * 99, [], [1, [2]], {}, object(), AT, ua.NodeId(), ua.LocalizedText("a"),
    ua.ExtensionObject(), ua.QualifiedName("q", 1), Exception(),
]  # fmt: skip
STATUSES = [0, 0x40000000, 0x80000000, 0xC0000000, 0x480, 0x80AB0000, 0xFFFFFFFF]
TEXTS = [
    "",
    " ",
    "::",
    "a::",
    "::a",
    "[0]",
    "ns=1;i=2",
    "nsu=;i=1",
    "s=",
    "i=x",
    "/",
    "a//b",
    "\x00",
    "é" * 500,
    "..",
    "0",
]


def test_ten_thousand_values_of_every_kind_become_events_or_nothing() -> None:
    settings = OpcUaSettings.model_validate(yaml.safe_load((FOLDER / "opcua" / "opcua.yaml").read_text()))
    dice, mapping = random.Random(7), PlcMapping(settings)
    tags = list(settings.context.paths())
    told = 0
    for number in range(10_000):
        at = AT + timedelta(milliseconds=dice.choice([number, number, -number, 10**9]))
        sample = Sample(at, dice.choice(VALUES), dice.choice(STATUSES), dice.choice([None, at]))
        if dice.random() < 0.6:
            mapping.context_value(dice.choice(tags), sample, now_s=number / 1000)
        else:
            mapping.sensor_value(dice.choice(settings.sensors).name, sample, now_s=number / 1000)
        if dice.random() < 0.01:
            mapping.link_lost()
        due = mapping.due(number / 1000, ending=number % 977 == 0)
        for context in due.contexts:
            assert context_from_event(context_to_event(context)).origin == context.origin
        for frame in due.windows:
            window = SensorWindow.from_json(frame_from_event(frame_to_event(frame)).payload)
            for channel in window.channels:
                assert all(math.isfinite(value) for value in channel.good()[1])
        told += len(due.contexts) + len(due.windows) + len(due.unusable)
    assert told > 50


def test_any_text_is_an_address_or_a_value_error() -> None:
    dice = random.Random(8)
    for _ in range(10_000):
        text = "".join(dice.choice([*TEXTS, "a", ":", "[1]", ".", ";", "="]) for _ in range(dice.randint(0, 5)))
        try:
            address = NodeAddress.parse(text)
        except ValueError:
            continue
        assert field_of(dice.choice(VALUES), address.field) is None or True


@pytest.mark.parametrize(
    ("kind", "sample"),
    [
        (OpcUaSettings, "opcua/opcua.yaml"),
        (OpcUaSettings, "opcua/samples/s7_1500.yaml"),
        (ResultsSettings, "results/results.yaml"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_mutated_configuration_loads_or_names_what_is_wrong(kind: Any, sample: str, tmp_path: Path) -> None:
    dice, original = random.Random(9), yaml.safe_load((FOLDER / sample).read_text())
    path = tmp_path / "mutated.yaml"
    refused = 0
    for _ in range(300):
        content = copy.deepcopy(original)
        for _ in range(dice.randint(1, 3)):
            mutate(content, dice)
        path.write_text(yaml.safe_dump(content))
        try:
            load(path, kind)
        except ConfigurationError as error:
            refused += 1
            assert all(problem.startswith(str(path)) for problem in error.problems)
    assert refused > 100


def mutate(node: Any, dice: random.Random) -> None:
    """Change, remove or add something at a place of its own."""
    while isinstance(node, dict | list) and node:
        key = dice.choice(list(node) if isinstance(node, dict) else range(len(node)))
        if isinstance(node[key], dict | list) and node[key] and dice.random() < 0.7:
            node = node[key]
            continue
        match dice.randrange(3):
            case 0:
                node[key] = dice.choice([None, True, -1, 0, 1e308, math.nan, "", "x", [], {}, {"a": 1}, 2**70, *TEXTS])
            case 1:
                del node[key]
            case _ if isinstance(node, dict):
                node[dice.choice(["extra", "", "Line", "endpoint "])] = 1
            case _:
                node.append(dice.choice([None, "x", {}, 3]))
        return
