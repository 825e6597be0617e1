"""A missing component skips a test, unless LINESIDE_REQUIRE says that it must be there."""

import pytest

from tests.components import requirement, system_packages
from tests.components.requirement import REQUIRE_VARIABLE, missing_component, require
from tests.components.system_packages import SystemPackage


@pytest.fixture
def lacking_chromium(monkeypatch: pytest.MonkeyPatch) -> None:
    package = SystemPackage("chromium", ("chromium",), lambda: False)
    monkeypatch.setattr(system_packages, "PACKAGES", (package,))


@pytest.mark.usefixtures("lacking_chromium")
@pytest.mark.parametrize("named", ["", "kafka,postgres"])
def test_missing_component_skips_and_names_the_package(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setenv(REQUIRE_VARIABLE, named)
    with pytest.raises(pytest.skip.Exception, match=r"^chromium needs the Debian package chromium: run `make system`$"):
        require("chromium")


@pytest.mark.usefixtures("lacking_chromium")
@pytest.mark.parametrize("named", ["all", "chromium", "postgres, chromium"])
def test_missing_component_fails_where_it_is_required(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setenv(REQUIRE_VARIABLE, named)
    with pytest.raises(pytest.fail.Exception, match=r"chromium needs the Debian package chromium.*LINESIDE_REQUIRE"):
        require("chromium")


def test_all_means_installable_components_and_not_test_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(REQUIRE_VARIABLE, "all")
    with pytest.raises(pytest.skip.Exception, match="no test data"):
        missing_component("data", "no test data")
    monkeypatch.setenv(REQUIRE_VARIABLE, "all,data")
    with pytest.raises(pytest.fail.Exception, match="no test data"):
        missing_component("data", "no test data")


def test_misspelt_requirement_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(REQUIRE_VARIABLE, "kafak")
    with pytest.raises(pytest.UsageError, match=r"LINESIDE_REQUIRE names kafak; known are all, data, aravis, chromium"):
        requirement.is_required("kafka")
    with pytest.raises(ValueError, match="unknown component 'kafak'"):
        require("kafak")
