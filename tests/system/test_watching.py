"""A real Prometheus watches a running site: every metric is of use, every question has its metric, an alert fires."""

import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from connectors.results.metrics import ResultMetrics
from lineside.metrics.training import TrainingMetrics
from lineside.plant_client import PlantClient
from lineside.site import SiteFile
from tests.components.prometheus import RealPrometheus
from tests.components.waiting import wait_until
from tests.faults.running_site import RunningSite
from tests.repository.grafana_dashboards import CHART, DASHBOARDS, RULES, metric_names, queries, rules

# A site starts, learns 24 parts, makes a habit of its defects for a minute, then leaves it: alone it takes two minutes.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]

ALERT = "LinesideAnomalyRateHigh"
# The shipped rules with other durations, and nothing else: ten minutes become one, a week four minutes.
SHORTER = {
    "[10m]": "[60s]",
    "rate10m * 600": "rate10m * 60",
    "[7d] offset 1h": "[4m] offset 20s",
    "for: 5m": "for: 2s",
}
# Of the interpreter and the process, not of this code.
FOREIGN = ("process_", "python_")
HISTOGRAM = ("_bucket", "_sum", "_count")


def shortened(path: Path, folder: Path) -> Path:
    text = path.read_text()
    for long, short in SHORTER.items():
        text = text.replace(long, short)
    rendered = folder / path.name
    rendered.write_text(text)
    return rendered


def series_of(site: SiteFile) -> dict[str, set[str]]:
    """Every metric of every process of the site, with the names of its series."""
    # `lineside up` has no PLC that wants verdicts, and trains nothing: what tells of these is asked itself.
    elsewhere = CollectorRegistry()
    ResultMetrics(elsewhere)
    TrainingMetrics(elsewhere)
    texts = [generate_latest(elsewhere).decode()]
    for url in site.telemetry.values():
        with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
            texts.append(answer.read().decode())
    found: dict[str, set[str]] = {}
    for text in texts:
        for family in text_string_to_metric_families(text):
            if family.name.startswith(FOREIGN) or family.name.endswith("_created"):
                continue
            endings = {"counter": ("_total",), "histogram": HISTOGRAM}.get(family.type, ("",))
            found[family.name] = {family.name + ending for ending in endings}
    return found


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningSite]:
    options = ("--lines", "1", "--learning-parts", "24", "--rate", "2", "--defect-rate", "0.02")
    with RunningSite(tmp_path, duration_s=900, options=options) as site:
        site.wait_until_streaming()
        yield site


def test_every_metric_is_of_use_every_question_has_its_metric_and_the_anomaly_alert_fires(
    running: RunningSite, tmp_path: Path, prometheus: Callable[..., RealPrometheus]
) -> None:
    site = running.site
    assert site is not None
    (line,) = site.lines

    checked = subprocess.run(
        ["promtool", "check", "config", running.folder / "site" / "prometheus.yml"], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.count("rules found") == len(RULES)

    changed = {CHART / "rules/lines.yaml", CHART / f"alerts/{ALERT}.yaml"}
    loaded = [shortened(path, tmp_path) if path in changed else path for path in RULES]
    server = prometheus({"lineside": [urlsplit(url).netloc for url in site.telemetry.values()]}, rules=loaded)
    server.wait_for_targets()

    metrics = series_of(site)
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    asked = [rule["expr"] for rule in rules()] + [query for path in DASHBOARDS for query in queries(path, "expr")]
    names = {name for expression in asked for name in metric_names(expression)}
    assert sorted(name for name, series in metrics.items() if not series & names) == []
    known = {name for series in metrics.values() for name in series} | recorded | {"ALERTS"}
    assert sorted(name for name in names - known if not name.startswith(FOREIGN)) == []

    for path in DASHBOARDS:
        for query in queries(path, "expr"):
            server.query(query.replace("$line", line).replace("$__rate_interval", "1m"))

    def habit() -> float | None:
        share = server.value(f'line:store_defects:ratio_rate7d{{line="{line}"}}')
        return share if share is not None and share < 0.25 else None

    usual = wait_until(lambda: habit() is not None, 150, lambda: f"a habit of {line}\n{running.log_tail()}")
    assert usual
    assert ALERT not in server.firing_alerts()
    PlantClient(site.plant_control).set_defect_rate(0.9, line=line)
    wait_until(lambda: ALERT in server.firing_alerts(), 120, lambda: f"{ALERT} to fire\n{running.log_tail()}")
    assert server.value("max(store_ledger_unaccounted)") == 0
