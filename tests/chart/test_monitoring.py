"""What Prometheus and Grafana are given is what lies in the chart's folders, word for word."""

import json

import yaml

from tests.chart.rendering import CHART, one, render, template


def test_every_rule_of_the_chart_reaches_prometheus_unchanged() -> None:
    rendered = one(render("monitoring.prometheusRule=true"), "PrometheusRule", "lineside")["spec"]["groups"]
    files = sorted((CHART / "alerts").glob("*.yaml")) + sorted((CHART / "rules").glob("*.yaml"))
    expected = [group for path in files for group in yaml.safe_load(path.read_text())["groups"]]

    assert {group["name"]: group for group in rendered} == {group["name"]: group for group in expected}
    assert len(rendered) == len(expected) >= 20


def test_an_alert_links_to_the_plants_own_copy_of_its_runbook() -> None:
    groups = one(
        render("monitoring.prometheusRule=true", "monitoring.runbookUrl=https://wiki.plant/lineside/"),
        "PrometheusRule", "lineside",
    )["spec"]["groups"]  # fmt: skip
    links = [rule["annotations"]["runbook_url"] for group in groups for rule in group["rules"] if "alert" in rule]

    assert links
    for link in links:
        page = link.removeprefix("https://wiki.plant/lineside/")
        assert (CHART / "runbooks" / page).is_file(), link


def test_every_dashboard_is_a_config_map_that_grafanas_sidecar_finds() -> None:
    maps = [
        each
        for each in render("monitoring.grafanaDashboards=true")
        if each["metadata"]["labels"].get("grafana_dashboard") == "1"
    ]
    rendered = {name: json.loads(text) for each in maps for name, text in each["data"].items()}

    assert rendered == {path.name: json.loads(path.read_text()) for path in (CHART / "dashboards").glob("*.json")}


def test_workers_and_connectors_are_scraped_by_pod_and_the_dashboard_by_service() -> None:
    manifests = render("monitoring.labels.release=prometheus", sample="many-lines")
    pods = one(manifests, "PodMonitor", "lineside")
    service = one(manifests, "ServiceMonitor", "lineside")
    labels = one(manifests, "Deployment", "inspect")["spec"]["template"]["metadata"]["labels"]

    assert pods["metadata"]["labels"]["release"] == service["metadata"]["labels"]["release"] == "prometheus"
    assert pods["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert labels["app.kubernetes.io/component"] in pods["spec"]["selector"]["matchExpressions"][0]["values"]
    behind = one(manifests, "Service", "dashboard")
    assert service["spec"]["selector"]["matchLabels"].items() <= behind["metadata"]["labels"].items()
    assert "metrics" in [port["name"] for port in behind["spec"]["ports"]]


def test_nothing_of_it_is_there_unless_it_is_asked_for() -> None:
    text = template()

    assert "monitoring.coreos.com" not in text
    assert "grafana_dashboard" not in text
