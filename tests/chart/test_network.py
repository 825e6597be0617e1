"""Who may talk to whom."""

from tests.chart.rendering import Manifest, one, render


def egress(policy: Manifest) -> set[int]:
    return {entry["port"] for rule in policy["spec"]["egress"] for entry in rule["ports"]}


def test_each_component_reaches_what_it_needs_and_no_more() -> None:
    manifests = render(sample="plant")

    assert egress(one(manifests, "NetworkPolicy", "-inspect")) == {53, 9093, 5432, 443}
    assert egress(one(manifests, "NetworkPolicy", "-connector")) == {53, 9093, 443, 4840, 554}
    assert egress(one(manifests, "NetworkPolicy", "-results")) == {53, 9093, 4840, 554}
    assert egress(one(manifests, "NetworkPolicy", "-job")) == {53, 9093, 5432, 443}


def test_ports_of_several_brokers_are_taken_once_and_addresses_are_narrowed() -> None:
    policy = one(render(sample="many-lines"), "NetworkPolicy", "-store")

    assert sorted(entry["port"] for entry in policy["spec"]["egress"][1]["ports"]) == [443, 5432, 9093]
    assert policy["spec"]["egress"][1]["to"] == [{"ipBlock": {"cidr": "10.30.0.0/16"}}]


def test_prometheus_alone_reaches_a_worker_and_the_ingress_the_page() -> None:
    manifests = render(sample="plant")
    worker = one(manifests, "NetworkPolicy", "-inspect")["spec"]
    page = one(manifests, "NetworkPolicy", "-dashboard")["spec"]
    prometheus = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    ingress = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}

    assert worker["policyTypes"] == ["Ingress", "Egress"]
    assert worker["ingress"] == [{"from": [prometheus], "ports": [{"port": "metrics"}]}]
    assert {"from": [ingress], "ports": [{"port": "http"}]} in page["ingress"]


def test_jobs_have_their_policy_before_they_run_and_nobody_reaches_them() -> None:
    policy = one(render(), "NetworkPolicy", "-job")

    assert policy["metadata"]["annotations"]["helm.sh/hook-weight"] == "-7"
    assert not policy["spec"].get("ingress")


def test_without_a_namespace_every_one_reaches_the_page() -> None:
    page = one(render(), "NetworkPolicy", "-dashboard")["spec"]

    assert {"from": [{"namespaceSelector": {}}], "ports": [{"port": "http"}]} in page["ingress"]
