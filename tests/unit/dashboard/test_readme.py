"""What the room's README promises."""

from pathlib import Path

from dashboard.metrics import DashboardMetrics
from dashboard.settings import DashboardSettings, load_settings

ROOM = Path(__file__).resolve().parents[3] / "dashboard"
README = (ROOM / "README.md").read_text(encoding="utf-8")


def test_every_setting_is_documented() -> None:
    assert [name for name in DashboardSettings.model_fields if f"`{name}`" not in README] == []


def test_every_metric_is_documented() -> None:
    suffixes = {"counter": "_total"}
    names = [f"{it.name}{suffixes.get(it.type, '')}" for it in DashboardMetrics().registry.collect()]
    assert len(names) == 6
    assert [name for name in names if f"`{name}`" not in README] == []


def test_the_sample_configuration_loads() -> None:
    assert load_settings(ROOM / "sample.yaml").keys_file is None
