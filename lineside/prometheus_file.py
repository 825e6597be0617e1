"""A configuration with which Prometheus scrapes every process of a site and alerts as the chart does."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from lineside.settings_file import save

_HERE: Final = Path(__file__).resolve().parent
# Inside an installed package, or in a checkout.
_CHARTS: Final = (_HERE / "chart", _HERE.parent / "helm" / "lineside")


def rule_globs() -> list[str]:
    """Where the recording and alert rules lie, as Prometheus reads it; empty if they were not installed."""
    for chart in _CHARTS:
        if (chart / "alerts").is_dir():
            return [str(chart / "rules" / "*.yaml"), str(chart / "alerts" / "*.yaml")]
    return []


def write_prometheus_file(path: Path, telemetry: Mapping[str, str]) -> None:
    """Write ``prometheus.yml``; each process is a target with its name as label ``process``."""
    targets = [{"targets": [urlsplit(url).netloc], "labels": {"process": name}} for name, url in telemetry.items()]
    save(
        path,
        {
            "global": {"scrape_interval": "5s", "scrape_timeout": "4s", "evaluation_interval": "15s"},
            "rule_files": rule_globs(),
            "scrape_configs": [{"job_name": "lineside", "static_configs": targets}],
        },
    )
