"""The operator pages in a real Chromium, over a dashboard process with a filled history."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from playwright.sync_api import Page, Request, expect

from storage.lines import LineRegistry
from storage.references import ReferenceStore
from tests.components.chromium import RealChromium
from tests.components.waiting import wait_until
from tests.system.filled_site import FilledSite
from tests.unit.dashboard.made_parts import LINE, OTHER_LINE
from wire.command import CommandKind
from wire.description import PromptLevel
from wire.finding import Verdict

# Two shared cores: sending, storing and drawing take a fraction of this.
DEADLINE_S = 15.0
PANEL_PX = (1280, 800)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FilledSite]:
    with FilledSite(tmp_path_factory.mktemp("site")) as filled:
        yield filled


@pytest.fixture
def panel(chromium: RealChromium, site: FilledSite) -> Iterator[Page]:
    """A page on an industrial panel; fails on errors in the browser and on requests that leave this machine."""
    asked: list[str] = []
    page = chromium.new_page(width_px=PANEL_PX[0], height_px=PANEL_PX[1])
    page.on("request", lambda request: asked.append(request.url) if _leaves(request, site) else None)
    yield page
    assert not asked, asked
    assert not chromium.errors, "\n".join(chromium.errors)


def _leaves(request: Request, site: FilledSite) -> bool:
    return not request.url.startswith((site.url, site.url.replace("http", "ws"), "data:", "blob:"))


def open_part(panel: Page, site: FilledSite, part_id: str) -> None:
    part = next(part for part in site.parts if part.part_id == part_id and part.line == LINE)
    panel.goto(f"{site.url}/part/{part.inspection_id}")
    expect(panel.locator(".part")).to_be_visible()


def test_live_shows_every_line_with_its_state_and_parts(panel: Page, site: FilledSite) -> None:
    panel.goto(site.url)
    first, second = panel.locator(f'[data-line="{LINE}"]'), panel.locator(f'[data-line="{OTHER_LINE}"]')
    expect(first).to_contain_text("Tiles 1")
    expect(first).to_contain_text("v2")
    expect(first).to_contain_text("adds up")
    expect(second).to_contain_text("of 32 parts")
    expect(first.locator(".tiles.latest .tile")).to_have_count(12)
    expect(first.locator(".tiles.flagged .tile.defect").first).to_contain_text("DEFECT")


def test_a_part_appears_without_a_reload(panel: Page, site: FilledSite) -> None:
    panel.goto(site.url)
    expect(panel.locator(f'[data-line="{LINE}"] .tile').first).to_be_visible()
    panel.evaluate("window.sameDocument = true")
    site.add(901, verdict=Verdict.DEFECT)
    expect(panel.locator(f'[data-line="{LINE}"] .tiles.flagged .tile').first).to_contain_text("P-000901")
    assert panel.evaluate("window.sameDocument")


def test_the_live_page_stays_bounded(panel: Page, site: FilledSite) -> None:
    panel.goto(site.url)
    tiles = panel.locator(f'[data-line="{OTHER_LINE}"] .tiles.latest .tile')
    expect(tiles).to_have_count(12)
    for number in range(800, 840):
        site.add(number, line=OTHER_LINE)
    expect(tiles.first).to_contain_text("P-000839")
    expect(tiles).to_have_count(12)


def test_a_tile_leads_to_its_part_without_a_reload(panel: Page, site: FilledSite) -> None:
    panel.goto(site.url)
    panel.evaluate("window.sameDocument = true")
    panel.locator(f'[data-line="{LINE}"] .tiles.flagged .tile').last.click()
    expect(panel.locator(".part")).to_be_visible()
    assert "/part/" in panel.url
    assert panel.evaluate("window.sameDocument")


def test_a_part_shows_verdict_report_facts_scores_and_provenance(panel: Page, site: FilledSite) -> None:
    open_part(panel, site, "P-000058")
    page = panel.locator(".part")
    for text in (
        "One bright linear scratch of medium saliency near the center.",
        "A bright diagonal scratch lies in the center.",
        *("scratch 87 %", "9.4 mm", "diagonal", "+64 grey levels"),
        *("tile-a", "version 2", "worker-1", "camera1 #58", "Temperature"),
    ):
        expect(page).to_contain_text(text)
    expect(page.locator(".score")).to_have_count(4)


def test_layers_can_be_switched_and_faded(panel: Page, site: FilledSite) -> None:
    open_part(panel, site, "P-000058")
    image, heat, mask = (panel.locator(f'[data-shows="{layer}"]') for layer in ("image", "map", "mask"))
    expect(image).to_be_visible()
    expect(mask).to_be_visible()
    expect(heat).to_be_hidden()
    panel.get_by_label("Map", exact=True).check()
    expect(heat).to_be_visible()
    panel.get_by_label("Opacity of the map").fill("0.3")
    expect(heat).to_have_css("opacity", "0.3")
    panel.get_by_label("Mask", exact=True).uncheck()
    expect(mask).to_be_hidden()
    panel.get_by_label("Regions", exact=True).uncheck()
    expect(panel.locator(".stage rect")).to_have_count(0)
    panel.get_by_role("tab", name="depth").click()
    expect(panel.get_by_label("Map", exact=True)).to_have_count(0)


def test_a_point_cloud_is_a_picture(panel: Page, site: FilledSite) -> None:
    open_part(panel, site, "P-000058")
    panel.get_by_role("tab", name="pointcloud").click()
    panel.wait_for_function("document.querySelector('[data-shows=image]').naturalWidth === 64")


def test_the_box_lies_on_the_scratch(panel: Page, site: FilledSite) -> None:
    open_part(panel, site, "P-000058")
    rect = panel.locator(".stage rect")
    expect(rect).to_have_count(1)
    drawn, sheet = rect.bounding_box(), panel.locator(".sheet").bounding_box()
    assert drawn is not None
    assert sheet is not None
    # The scratch's box is [120, 211) x [70, 101) of an image of 320 x 240 px.
    zoom = sheet["width"] / 320
    assert (drawn["x"] - sheet["x"]) / zoom == pytest.approx(120, abs=2)
    assert (drawn["y"] - sheet["y"]) / zoom == pytest.approx(70, abs=2)
    assert drawn["width"] / zoom == pytest.approx(91, abs=3)


def test_an_operators_answer_becomes_a_command(panel: Page, site: FilledSite) -> None:
    open_part(panel, site, "P-000049")
    panel.get_by_label("Reason").fill("water drop")
    panel.get_by_role("button", name="It is fine").click()
    expect(panel.locator("[data-outcome]")).to_contain_text("This part is fine: sent")
    commands = wait_until(site.commands, DEADLINE_S, "the command in Kafka")
    part = next(part for part in site.parts if part.part_id == "P-000049")
    assert [(it.kind, it.line, it.product, it.reason, it.by, it.inspections) for it in commands] == [
        (CommandKind.ACCEPT, LINE, "tile-a", "water drop", "local", (part.inspection_id,))
    ]


def open_review(panel: Page, site: FilledSite, number: int, address: str = "/review") -> None:
    """Open the queue at its newest part and wait until it may be answered."""
    panel.goto(f"{site.url}{address}")
    expect(panel.locator("[data-looking-at]")).to_have_attribute("data-looking-at", f"P-{number:06d}")
    expect(panel.get_by_role("button", name="missed" if "good" in address else "It is a defect")).to_be_enabled()


def test_a_key_answers_the_part_and_the_next_one_follows(panel: Page, site: FilledSite) -> None:
    site.add(911, verdict=Verdict.DEFECT)
    accepted = site.add(912, verdict=Verdict.DEFECT)
    open_review(panel, site, 912)
    panel.keyboard.press("a")
    expect(panel.locator("[data-looking-at]")).to_have_attribute("data-looking-at", "P-000911")
    expect(panel.locator('[data-waits="P-000912"]')).to_have_count(0)
    expect(panel.locator("[data-outcome]")).to_contain_text("This part is fine: sent")
    wait_until(lambda: accepted.inspection_id in answered(site, CommandKind.ACCEPT), DEADLINE_S, "the command in Kafka")


def test_a_button_confirms_a_defect_with_a_reason(panel: Page, site: FilledSite) -> None:
    rejected = site.add(921, verdict=Verdict.DEFECT)
    open_review(panel, site, 921)
    panel.get_by_label("Reason").fill("deep")
    panel.get_by_role("button", name="It is a defect").click()
    expect(panel.locator('[data-waits="P-000921"]')).to_have_count(0)
    wait_until(lambda: rejected.inspection_id in answered(site, CommandKind.REJECT), DEADLINE_S, "the command in Kafka")
    assert site.commands()[-1].reason == "deep"


def test_letters_in_the_reason_answer_nothing(panel: Page, site: FilledSite) -> None:
    site.add(931, verdict=Verdict.DEFECT)
    open_review(panel, site, 931)
    before = len(site.commands())
    panel.get_by_label("Reason").press_sequentially("dad")
    panel.get_by_label("Reason").blur()
    panel.keyboard.press("ArrowRight")
    expect(panel.locator("[data-looking-at]")).not_to_have_attribute("data-looking-at", "P-000931")
    assert len(site.commands()) == before


def test_the_queue_follows_without_taking_the_part_away(panel: Page, site: FilledSite) -> None:
    looked_at = site.add(941, verdict=Verdict.DEFECT)
    open_review(panel, site, 941)
    site.add(942, verdict=Verdict.DEFECT)
    ReferenceStore(site.database).reject(LINE, "tile-a", [looked_at.inspection_id], "eva", "", uuid4())
    expect(panel.locator('[data-waits="P-000942"]')).to_be_visible()
    expect(panel.locator('[data-waits="P-000941"]')).to_have_count(0)
    expect(panel.locator("[data-looking-at]")).to_have_attribute("data-looking-at", "P-000941")


def test_a_missed_defect_is_told_on_a_good_part(panel: Page, site: FilledSite) -> None:
    good = site.add(951)
    open_review(panel, site, 951, "/review?show=good")
    expect(panel.get_by_role("button", name="It is fine")).to_have_count(0)
    panel.keyboard.press("d")
    expect(panel.locator('[data-waits="P-000951"]')).to_have_count(0)
    wait_until(lambda: good.inspection_id in answered(site, CommandKind.REJECT), DEADLINE_S, "the command in Kafka")


def answered(site: FilledSite, kind: CommandKind) -> set[UUID]:
    return {inspection for it in site.commands() if it.kind is kind for inspection in it.inspections}


def test_a_tile_of_the_queue_is_looked_at(panel: Page, site: FilledSite) -> None:
    panel.goto(f"{site.url}/review?line={LINE}")
    panel.locator('[data-waits="P-000040"]').click()
    expect(panel.locator("[data-looking-at]")).to_have_attribute("data-looking-at", "P-000040")
    expect(panel.locator("[data-shows='mask']")).to_be_visible()


def test_history_filters_by_address_and_by_hand(panel: Page, site: FilledSite) -> None:
    panel.goto(f"{site.url}/history?verdict=unknown")
    expect(panel.locator("[data-part]")).to_have_count(1)
    expect(panel.locator("[data-part]")).to_contain_text("P-000020")
    panel.goto(f"{site.url}/history")
    panel.get_by_label("Part id").fill("P-000031")
    panel.get_by_label("Part id").press("Enter")
    expect(panel.locator("[data-part]")).to_have_count(1)
    expect(panel.locator("[data-part]")).to_contain_text("partial")
    assert "part_id=P-000031" in panel.url


def test_history_goes_on_to_older_parts(panel: Page, site: FilledSite) -> None:
    panel.goto(f"{site.url}/history?line={LINE}")
    expect(panel.locator("[data-part]")).to_have_count(50)
    panel.locator("[data-older]").click()
    expect(panel.locator("[data-part]").last).to_contain_text("P-000000")


def test_a_bar_of_the_timeline_chooses_its_parts(panel: Page, site: FilledSite) -> None:
    panel.goto(f"{site.url}/history?period=1h")
    expect(panel.locator(".timeline .hit").first).to_be_attached()
    panel.locator(".timeline .hit").nth(-3).click()
    expect(panel.get_by_title("Show the whole period")).to_be_visible()
    assert "since=" in panel.url


def test_a_defect_type_of_the_pareto_chooses_its_parts(panel: Page, site: FilledSite) -> None:
    site.add(961, verdict=Verdict.DEFECT, line=OTHER_LINE)
    panel.goto(f"{site.url}/history")
    expect(panel.locator(".pareto button", has_text="scratch").locator(".bar i")).to_have_count(2)
    expect(panel.locator(".charts .key", has_text="Tiles 2")).to_be_visible()
    panel.locator(".pareto button", has_text="dent").click()
    expect(panel.locator("[data-part]").first).to_contain_text("dent")
    assert "defect_type=dent" in panel.url


def test_states_ask_before_a_rollback(panel: Page, site: FilledSite) -> None:
    before = len(site.commands())
    panel.goto(f"{site.url}/states")
    expect(panel.locator('[data-version="2"]')).to_contain_text("active")
    # Its threshold is as good as its few references.
    expect(panel.locator('[data-version="2"]')).to_contain_text("%, extrapolated")
    panel.locator('[data-version="1"]').get_by_role("button", name="Use this version").click()
    expect(panel.get_by_text("Use version 1 of tile-a again?")).to_be_visible()
    panel.get_by_role("button", name="Send").click()
    expect(panel.get_by_text("Sent: rollback")).to_be_visible()
    wait_until(lambda: len(site.commands()) > before, DEADLINE_S, "the command in Kafka")
    assert (site.commands()[-1].kind, site.commands()[-1].version) == (CommandKind.ROLLBACK, 1)
    expect(panel.get_by_role("cell", name="rollback")).to_be_visible()


def test_a_line_is_described_in_words(panel: Page, site: FilledSite) -> None:
    before = len(site.commands())
    panel.goto(f"{site.url}/states?line={OTHER_LINE}")
    words = panel.locator("[data-words]")
    expect(words).to_contain_text("as the recipe says")
    words.get_by_role("button", name="Describe").click()
    panel.get_by_label("What one is called").fill("hex nut ")
    panel.get_by_label("How a good one looks").fill("round, without print")
    panel.get_by_label("What may be wrong, one a line").fill("with a burr\n\n with rust")
    level = panel.get_by_label("How much is said of each kind of defect")
    level.click()
    panel.get_by_role("option", name="kind of defect").click()
    expect(panel.get_by_text("One sentence for the whole kind (T1)")).to_be_visible()
    panel.get_by_label("Texts: kind of defect, one a line").fill("burr: Burr: a raised edge, from a dull tool.\n")
    level.click()
    panel.get_by_role("option", name="attributes as a sentence").click()
    panel.get_by_label("Texts: attributes as a sentence, one a line").fill("burr: A thin burr.\nrust: A brown film.")
    panel.get_by_label("How it lies").click()
    panel.get_by_role("option", name="loose, or a texture").click()
    panel.get_by_label("Reason").fill("new product")
    panel.get_by_role("button", name="Send").click()
    expect(panel.get_by_text("Sent: describe")).to_be_visible()
    wait_until(lambda: len(site.commands()) > before, DEADLINE_S, "the command in Kafka")
    sent = site.commands()[-1]
    assert (sent.kind, sent.line, sent.reason) == (CommandKind.DESCRIBE, OTHER_LINE, "new product")
    assert (sent.class_name, sent.normality, sent.matching) == ("hex nut", "round, without print", "nearest")
    assert sent.defect_words == ("with a burr", "with rust")
    assert sent.description_level is PromptLevel.TEMPLATE
    assert {(each.name, each.level.value, each.text) for each in sent.descriptions or ()} == {
        ("burr", "class_level", "Burr: a raised edge, from a dull tool."),
        ("burr", "template", "A thin burr."),
        ("rust", "template", "A brown film."),
    }
    # What the builder makes of it appears without a reload.
    registry = LineRegistry(site.database)
    spec = registry.get(OTHER_LINE)
    assert spec is not None
    assert sent.learned_words is None
    said = ("class_name", "defect_words", "descriptions", "description_level")
    learned = {"learned_words": "ab" * 32}
    registry.upsert(spec.model_copy(update=learned | {name: getattr(sent, name) for name in said}))
    expect(words).to_contain_text("hex nut")
    expect(words).to_contain_text("with a burr, with rust")
    expect(words).to_contain_text("burr, rust")
    expect(words).to_contain_text("attributes as a sentence")
    expect(words).to_contain_text("abababababab, found by a training")
    words.get_by_role("button", name="Describe").click()
    panel.get_by_label("Learned words").click()
    panel.get_by_role("option", name="as the recipe says").click()
    panel.get_by_role("button", name="Send").click()
    wait_until(lambda: len(site.commands()) > before + 1, DEADLINE_S, "the second command in Kafka")
    forgotten = site.commands()[-1]
    assert (forgotten.learned_words, forgotten.descriptions) == ("", sent.descriptions)


def test_a_learning_line_says_that_nothing_needs_to_be_done(panel: Page, site: FilledSite) -> None:
    panel.goto(f"{site.url}/states?line={OTHER_LINE}")
    expect(panel.get_by_text("This line is still learning")).to_be_visible()


def test_ledger_names_sources_and_gaps(panel: Page, site: FilledSite) -> None:
    panel.goto(f"{site.url}/ledger")
    expect(panel.locator(".ls-page")).to_contain_text("Every frame is accounted for")
    expect(panel.locator(".ls-page")).to_contain_text(f"{LINE}/camera1")


def test_an_unknown_part_explains_itself(panel: Page, site: FilledSite) -> None:
    panel.goto(f"{site.url}/part/00000000-0000-0000-0000-000000000007")
    expect(panel.get_by_text("This part is not in the history")).to_be_visible()


def test_every_page_fits_the_panel_without_sideways_scrolling(
    panel: Page, site: FilledSite, chromium: RealChromium, tmp_path: Path
) -> None:
    part = next(part for part in site.parts if part.part_id == "P-000058")
    for path in ("/", f"/part/{part.inspection_id}", "/review", "/history", "/states", "/ledger"):
        panel.goto(f"{site.url}{path}")
        expect(panel.locator(".ls-page")).to_be_visible()
        assert panel.evaluate("document.documentElement.scrollWidth") <= PANEL_PX[0], path
        assert chromium.screenshot(panel, tmp_path / "page.png").stat().st_size > 10_000
