"""Skip or fail a test whose component is not on this machine."""

import os

import pytest

from tests.components.system_packages import COMPONENTS, missing_packages

REQUIRE_VARIABLE = "LINESIDE_REQUIRE"


def is_required(component: str) -> bool:
    """Tell whether LINESIDE_REQUIRE (a comma-separated list, or `all`) names the component."""
    named = {name.strip() for name in os.environ.get(REQUIRE_VARIABLE, "").split(",") if name.strip()}
    unknown = named - {"all", "data", *COMPONENTS}
    if unknown:
        raise pytest.UsageError(
            f"{REQUIRE_VARIABLE} names {', '.join(sorted(unknown))}; known are all, data, {', '.join(COMPONENTS)}"
        )
    # Test data lies beside a checkout, not on a machine: `all` means all that `make system` can install.
    return component in named or ("all" in named and component != "data")


def missing_component(component: str, reason: str) -> None:
    """Skip the running test with `reason`, or fail it where LINESIDE_REQUIRE says that the component must be there."""
    if is_required(component):
        pytest.fail(f"{reason} ({REQUIRE_VARIABLE}={os.environ[REQUIRE_VARIABLE]})", pytrace=False)
    pytest.skip(reason)


def require(component: str) -> None:
    """Go on if the component's packages are present; else skip or fail, naming the packages."""
    if component not in COMPONENTS:
        raise ValueError(f"unknown component {component!r}; known are {', '.join(COMPONENTS)}")
    missing = missing_packages(component)
    if missing:
        missing_component(component, f"{component} needs the Debian package {', '.join(missing)}: run `make system`")
