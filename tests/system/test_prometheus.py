"""A real Prometheus scrapes every process of a running site, and the questions that alerts will ask have answers."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.components.prometheus import RealPrometheus
from tests.components.waiting import wait_until
from tests.faults.running_site import RunningSite

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ANOMALY_RATE = (
    'sum by (line) (rate(inspect_parts_total{verdict="defect"}[1m]))'
    ' / sum by (line) (rate(inspect_parts_total{verdict!="unknown"}[1m]))'
)


def test_the_anomaly_rate_of_each_line_can_be_asked_of_a_running_site(
    tmp_path: Path, prometheus: Callable[..., RealPrometheus]
) -> None:
    options = ("--learning-parts", "6", "--rate", "4", "--defect-rate", "0.5")
    with RunningSite(tmp_path, duration_s=600, options=options) as running:
        running.wait_until_streaming()
        site = running.site
        assert site is not None
        server = prometheus({"lineside": [urlsplit(url).netloc for url in site.telemetry.values()]})
        server.wait_for_targets()

        def rates() -> dict[str, float]:
            found = {sample.labels["line"]: sample.value for sample in server.query(ANOMALY_RATE)}
            return found if set(found) == set(site.lines) and all(rate > 0 for rate in found.values()) else {}

        shares = wait_until(rates, 150, lambda: f"an anomaly rate of {site.lines}\n{running.log_tail()}")
        assert all(0 < share <= 1 for share in shares.values())
        stored = {sample.labels["line"] for sample in server.query("sum by (line) (store_inspections_total)")}
        assert stored == set(site.lines)
        assert server.value("max(store_ledger_unaccounted)") == 0
        assert server.value('sum(connector_frames_total{outcome="published"})') > 0
