"""A configuration with which Prometheus scrapes every process of a site."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from lineside.settings_file import save


def write_prometheus_file(path: Path, telemetry: Mapping[str, str]) -> None:
    """Write ``prometheus.yml``; each process is a target with its name as label ``process``."""
    targets = [{"targets": [urlsplit(url).netloc], "labels": {"process": name}} for name, url in telemetry.items()]
    save(
        path,
        {
            "global": {"scrape_interval": "5s", "scrape_timeout": "4s"},
            "scrape_configs": [{"job_name": "lineside", "static_configs": targets}],
        },
    )
