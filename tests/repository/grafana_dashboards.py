"""What the chart's dashboards and rules ask: their queries, and the names of metrics in them."""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from tests.repository.checkout import REPOSITORY

CHART = REPOSITORY / "helm/lineside"
DASHBOARDS = sorted((CHART / "dashboards").glob("*.json"))
RULES = sorted([*(CHART / "rules").glob("*.yaml"), *(CHART / "alerts").glob("*.yaml")])

_NOT_NAMES = re.compile(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\b(by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)')
_NAME = re.compile(r"(?<![\w.:$])[a-zA-Z_:][\w:]*(?!\s*\()\b(?!\()")
_WORDS = frozenset({"and", "or", "unless", "offset", "bool", "by", "on", "without", "ignoring", "group_left"})


def panels(dashboard: Path) -> list[dict[str, Any]]:
    """Every panel of a dashboard that asks something."""
    return [panel for panel in json.loads(dashboard.read_text(encoding="utf-8"))["panels"] if panel["type"] != "row"]


def queries(dashboard: Path, key: str) -> list[str]:
    """Its queries: `key` is `expr` (Prometheus) or `rawSql` (PostgreSQL)."""
    return [target[key] for panel in panels(dashboard) for target in panel["targets"] if key in target]


def rules() -> list[dict[str, Any]]:
    """Every recording and alert rule."""
    return [
        rule
        for path in RULES
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
    ]


def metric_names(expression: str) -> set[str]:
    """The series that a PromQL expression selects by name."""
    return {name for name in _NAME.findall(_NOT_NAMES.sub(" ", expression)) if name not in _WORDS}
