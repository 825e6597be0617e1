"""Dashboards of the chart, as far as a checkout alone can tell."""

import json
from pathlib import Path

import pytest

from tests.repository.grafana_dashboards import DASHBOARDS, metric_names, panels


def test_names_of_metrics_are_told_from_everything_else_in_an_expression() -> None:
    expression = (
        'histogram_quantile(0.95, sum by (le, line) (rate(a_seconds_bucket{line="x", b!~"c|d"}[5m] offset 1h)))'
        " > 3 * line:b:rate10m and on (instance) count_over_time(c_info[$__rate_interval]) unless d_total == 1e3"
    )
    assert metric_names(expression) == {"a_seconds_bucket", "line:b:rate10m", "c_info", "d_total"}


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_dashboards_take_their_data_source_as_a_variable_and_lay_no_panel_over_another(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["uid"] == f"lineside-{path.stem}"
    variables = {variable["name"]: variable for variable in document["templating"]["list"]}
    source = "DS_POSTGRES" if path.stem == "defect-history" else "DS_PROMETHEUS"
    assert variables[source]["type"] == "datasource"
    taken: set[tuple[int, int]] = set()
    for panel in panels(path):
        assert panel["datasource"]["uid"] == f"${{{source}}}"
        assert panel["title"]
        assert panel["targets"]
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
    identifiers = [panel["id"] for panel in document["panels"]]
    assert len(identifiers) == len(set(identifiers))
