"""Alert rules: one file each, with a runbook and with cases in which it fires and in which it does not."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.components.requirement import require
from tests.repository.checkout import REPOSITORY

CHART = REPOSITORY / "helm/lineside"
ALERTS = sorted((CHART / "alerts").glob("*.yaml"))
RULES = sorted((CHART / "rules").glob("*.yaml"))
CASES = REPOSITORY / "tests/alerts"
SECTIONS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]


def rules_of(path: Path) -> list[dict[str, Any]]:
    groups = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.mark.parametrize("path", ALERTS, ids=lambda path: path.stem)
def test_each_alert_is_one_file_with_a_severity_and_a_runbook_of_four_sections(path: Path) -> None:
    [rule] = rules_of(path)
    assert rule["alert"] == path.stem
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    runbook = (CHART / rule["annotations"]["runbook_url"]).read_text(encoding="utf-8")
    assert runbook.startswith(f"# {path.stem}\n")
    assert re.findall(r"^## (.*)$", runbook, re.MULTILINE) == SECTIONS
    assert all(text.strip() for text in re.split(r"^## .*$", runbook, flags=re.MULTILINE)[1:])


def test_no_runbook_and_no_case_is_left_over_from_an_alert_that_is_gone() -> None:
    names = {path.stem for path in ALERTS}
    assert {path.stem for path in (CHART / "runbooks").glob("*.md")} == names
    assert {path.stem for path in CASES.glob("*.yaml")} == names


@pytest.mark.parametrize("path", sorted(CASES.glob("*.yaml")), ids=lambda path: path.stem)
def test_each_alert_has_a_case_that_fires_and_one_that_does_not(path: Path) -> None:
    asked = [ask for case in yaml.safe_load(path.read_text())["tests"] for ask in case["alert_rule_test"]]
    assert {ask["alertname"] for ask in asked} == {path.stem}
    assert any(ask["exp_alerts"] for ask in asked)
    assert not all(ask["exp_alerts"] for ask in asked)


def test_recording_rules_are_named_level_metric_operation() -> None:
    names = {rule["record"] for path in RULES for rule in rules_of(path)}
    assert [name for name in names if not re.fullmatch(r"[a-z0-9_]+:[a-z0-9_]+:[a-z0-9_]+", name)] == []


def test_promtool_accepts_every_rule_and_every_case_comes_out_as_written() -> None:
    require("prometheus")
    for command, files in (("check", [*ALERTS, *RULES]), ("test", sorted(CASES.glob("*.yaml")))):
        answer = subprocess.run(["promtool", command, "rules", *files], capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer.stdout + answer.stderr
