"""The page on a phone, by keyboard alone, and where there is nothing or something wrong."""

import re

import pytest
from helpers.browser import seen, tab

from sts_eval.store.store import Store

TABS = {
    "Predictors": "noise ceiling",
    "Where": re.compile(r"over \d+ runs of"),
    "Compare": re.compile(r"\d+ pairs of runs"),
    "Runs": "runs a page",
    "Explore": "Click a point for its run",
    "Run": "first digits of its name",
    "Profile": "Choose a model, an SAE",
    "Submit": "never believed",
    "Queue": "takes requests, runs them",
    "About": "What to doubt",
}
"""What is seen on each tab of a board with runs."""

FOCUSED = """() => {
  const one = document.activeElement;
  return [one.getAttribute('role') || one.type, one.getAttribute('aria-label') || one.textContent.trim() || one.value];
}"""

OUTLINED = """() => [document.activeElement, document.activeElement.closest('label')].some(
  (one) => one && getComputedStyle(one).outlineStyle === 'solid' && parseFloat(getComputedStyle(one).outlineWidth) >= 2)
"""

SIDEWAYS = "document.scrollingElement.scrollWidth - innerWidth"

CUT = """() => [...document.querySelectorAll('input[role=combobox]')].filter(
  (one) => one.offsetParent && one.scrollWidth > one.clientWidth).map((one) => one.value)"""


WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


def tabbed(page, role, name):
    """Press Tab until a control has the focus; every stop on the way is to be seen."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED)[0] not in (None, ""):
            assert page.evaluate(OUTLINED), f"{page.evaluate(FOCUSED)} has the focus and does not show it"
        if page.evaluate(FOCUSED) == [role, name]:
            return
    raise AssertionError(f"no {role} {name} by keyboard")


def test_no_tab_scrolls_sideways_on_a_phone_and_no_choice_is_cut_off(page, address):
    page.goto(address)
    for name, text in TABS.items():
        page.set_viewport_size(WIDE)
        tab(page, name).click()
        seen(page, text)
        page.set_viewport_size(PHONE)
        assert page.evaluate(SIDEWAYS) <= 0, name
        assert page.evaluate(CUT) == [], name


def test_explore_and_a_runs_evidence_open_on_a_phone(page, address, store):
    page.set_viewport_size(PHONE)
    page.goto(f"{address}?tab=explore")
    seen(page, TABS["Explore"])
    page.locator("#explore-figure .main-svg").first.wait_for()
    assert page.evaluate(SIDEWAYS) <= 0
    assert page.evaluate(CUT) == []
    run = store.board().runs.query("model == 'qwen-7b'")["sha256"].iloc[0]
    page.goto(f"{address}?tab=run&run={run[:12]}")
    seen(page, "The experiment file")
    assert page.evaluate(SIDEWAYS) <= 0


def test_every_tab_is_reached_and_opened_by_keyboard(page, address):
    page.goto(address)
    seen(page, TABS["Predictors"])
    for name, text in list(TABS.items())[1:]:
        tabbed(page, "tab", name)
        page.keyboard.press("Enter")
        seen(page, text)
        assert tab(page, name).get_attribute("aria-selected") == "true"
    assert page.errors == []


def test_from_the_ranking_to_a_runs_evidence_by_keyboard_alone(page, address):
    page.goto(address)
    seen(page, TABS["Predictors"])
    tabbed(page, "tab", "Runs")
    page.keyboard.press("Enter")
    seen(page, TABS["Runs"])
    page.wait_for_url(re.compile("tab=runs$"))
    page.wait_for_timeout(500)  # a value that comes before the page's own is overwritten by it
    tabbed(page, "radio", "imported")
    page.keyboard.press("Space")
    seen(page, "2 runs")
    page.wait_for_url(re.compile("origin=imported"))
    first = page.locator("#runs-table [role=gridcell]").first
    first.wait_for()
    tabbed(page, "gridcell", first.inner_text().strip())
    page.keyboard.press("ArrowDown")
    page.wait_for_function("document.activeElement.dataset.row === '1'")
    run = page.evaluate("document.activeElement.closest('[role=row]').lastElementChild.textContent.trim()")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"tab=run&run={run}"))
    seen(page, "mistral-7b on")


@pytest.fixture(scope="module")
def empty(serve, tmp_path_factory):
    return serve(Store(str(tmp_path_factory.mktemp("nothing"))))


def test_an_empty_store_says_what_to_do_next(page, empty):
    page.goto(empty)
    for name in TABS:
        tab(page, name).click()
        page.locator("#empty").get_by_text("sts-eval store submit RUN --to STORE").wait_for()
        page.locator("[role=tabpanel]").locator("visible=true").first.wait_for()
        assert page.get_by_text("Error", exact=True).locator("visible=true").count() == 0, name
    tab(page, "Queue").click()
    seen(page, "This board takes no requests")
    seen(page, "sts-eval store request --store STORE")
    assert page.locator("#ask").count() == 0
    assert page.errors == []


def test_a_store_that_cannot_be_read_is_one_line_on_every_tab(page, serve, tmp_path):
    file = tmp_path / "no-folder"
    file.write_text("")
    unreadable = serve(Store(str(file)))
    page.goto(unreadable)
    for name in TABS:
        tab(page, name).click()
        page.locator("#trouble").get_by_text("The store cannot be read (Not a directory)").wait_for()
        shown = page.inner_text("body")
        assert "Traceback" not in shown
        assert str(file) not in shown
    tab(page, "Runs").click()
    page.get_by_role("button", name="CSV", exact=True).locator("visible=true").first.click()
    seen(page, "the store cannot be read or written (Not a directory)")
    assert page.errors == []
