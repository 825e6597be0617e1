"""Logging in and out with a browser, and the end of the process."""

import time
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import expect

from dashboard.keys import Role, hash_of
from tests.components.chromium import RealChromium
from tests.system.filled_site import FilledSite

KEY = "ls_test_key_of_a_viewer"
# The promise is 3 s from SIGTERM to the end.
END_DEADLINE_S = 3.0


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.yaml"
    path.write_text(yaml.safe_dump({"keys": [{"name": "gate 3", "role": Role.VIEWER.value, "sha256": hash_of(KEY)}]}))
    return path


def test_a_viewer_logs_in_looks_and_may_not_answer(chromium: RealChromium, tmp_path: Path, keys_file: Path) -> None:
    with FilledSite(tmp_path / "site", keys_file=keys_file) as site:
        page = chromium.new_page()
        page.goto(f"{site.url}/history")
        expect(page).to_have_url(f"{site.url}/login")
        page.get_by_label("API key").fill("wrong")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert")).to_have_text("This key is not known.")
        page.get_by_label("API key").fill(KEY)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_text("gate 3 · viewer")).to_be_visible()
        page.goto(f"{site.url}/part/{site.parts[0].inspection_id}")
        expect(page.get_by_role("button", name="It is fine")).to_be_disabled()
        expect(page.locator("[data-shows='image']")).to_be_visible()
        page.wait_for_function("document.querySelector('[data-shows=image]').naturalWidth === 320")
        page.goto(f"{site.url}/review")
        expect(page.get_by_text("Your role is viewer; answers need the role operator.")).to_be_visible()
        expect(page.get_by_role("button", name="It is a defect")).to_be_disabled()
        page.goto(f"{site.url}/states")
        expect(page.get_by_role("button", name="Describe")).to_be_disabled()
        page.get_by_text("Log out").click()
        expect(page).to_have_url(f"{site.url}/login")
    # The browser itself reports the refused key's 401.
    assert [error for error in chromium.errors if "401" not in error] == []


def test_sigterm_ends_the_process_while_a_page_and_a_stream_are_open(chromium: RealChromium, tmp_path: Path) -> None:
    with FilledSite(tmp_path / "site") as site:
        page = chromium.new_page()
        page.goto(site.url)
        page.evaluate("window.stream = new EventSource('/api/v1/live')")
        page.wait_for_function("window.stream.readyState === 1")
        assert site.process is not None
        told_at_s = time.monotonic()
        site.process.stop(deadline_s=2 * END_DEADLINE_S)
        assert time.monotonic() - told_at_s < END_DEADLINE_S
        assert "Traceback" not in site.log()
